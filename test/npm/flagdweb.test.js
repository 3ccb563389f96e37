// @openfeature/flagd-web-provider asks our evaluation port out of a web page,
// with Connect.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from './browser.js';
import { eventually, flags, launch } from './sidecar.js';
import { checkAnswers, checkChange, color, connect } from './web.js';

const open = pageOf('clients.js');

const options = ({ evaluation }) => ({ ...evaluation, tls: false, maxDelay: 200 });

test('the flagd web provider gets the answers of flagd', async (t) => {
  const sidecar = await launch(t);
  const page = await open(t);
  await connect(page, 'flagd', options(sidecar));
  await checkAnswers(page, {
    // Version 1 of the protocol cannot leave a value out, so a flag without a
    // default variant is not among all flags, whatever its targeting says.
    'match without a default variant': { value: false, variant: undefined, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' },
    'no match, no default variant': { value: true, variant: undefined, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' },
    disabled: { value: false, variant: undefined, reason: 'DISABLED', errorCode: undefined },
  });
});

test('the flagd web provider hears of a change', async (t) => {
  const sidecar = await launch(t);
  const page = await open(t);
  await connect(page, 'flagd', options(sidecar));
  assert.equal(await color(page), 'red');
  await checkChange(sidecar, page, 'blue');
});

test('the flagd web provider answers through a restart of the sidecar and goes on hearing of changes', async (t) => {
  const sidecar = await launch(t);
  const page = await open(t);
  await connect(page, 'flagd', options(sidecar));
  await sidecar.stop();
  assert.equal(await color(page), 'red', 'without a sidecar');
  sidecar.write(flags('blue'));
  await sidecar.start();
  await eventually('color is blue', async () => await color(page) === 'blue');
  await checkChange(sidecar, page, 'red');
});
