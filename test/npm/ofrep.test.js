// @openfeature/ofrep-provider asks our OFREP port.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { checkAnswers, color, connect } from './server.js';
import { eventually, flags, launch } from './sidecar.js';

const provider = ({ ofrep }) => new OFREPProvider({ baseUrl: ofrep });

// What ofrep-core 0.1 makes of an answer without a value, which is younger
// than it: the caller's default, and an error beside it.
const unexpected = (value) => ({ value, variant: undefined, reason: 'ERROR', errorCode: 'GENERAL' });

test('the OFREP provider gets the answers of flagd', async (t) => {
  const { client } = await connect(t, provider(await launch(t)));
  await checkAnswers(client, {
    'no match, no default variant': unexpected(true),
    'disabled, caller says true': unexpected(true),
    'disabled, caller says false': unexpected(false),
  });
});

test('the OFREP provider sees a change', async (t) => {
  const sidecar = await launch(t);
  const { client } = await connect(t, provider(sidecar));
  assert.equal(await color(client), 'red');
  sidecar.write(flags('blue'));
  await eventually('color is blue', async () => await color(client) === 'blue');
});

test('the OFREP provider survives a restart of the sidecar', async (t) => {
  const sidecar = await launch(t);
  const { client } = await connect(t, provider(sidecar));
  assert.equal(await color(client), 'red');
  await sidecar.stop();
  assert.equal(await color(client), 'none', 'without a sidecar');
  sidecar.write(flags('blue'));
  await sidecar.start();
  assert.equal(await color(client), 'blue', 'after the restart');
});
