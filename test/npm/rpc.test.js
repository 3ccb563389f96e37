// @openfeature/flagd-provider asks our evaluation port, over gRPC.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { ProviderEvents } from '@openfeature/server-sdk';
import { checkAnswers, checkChange, color, connect } from './server.js';
import { eventually, flags, launch } from './sidecar.js';

// The defaults, but for patience: 12 s pass before it connects again.
const provider = ({ evaluation }) => new FlagdProvider({
  ...evaluation, resolverType: 'rpc', deadlineMs: 5000, retryBackoffMs: 100, retryBackoffMaxMs: 100,
});

test('the flagd provider gets the answers of flagd over rpc', async (t) => {
  const { client } = await connect(t, provider(await launch(t)));
  await checkAnswers(client);
});

test('the flagd provider keeps static answers until it hears of a change', async (t) => {
  const sidecar = await launch(t);
  const { client, heard } = await connect(t, provider(sidecar));
  assert.equal((await client.getStringDetails('color', 'none')).reason, 'STATIC');
  assert.equal((await client.getStringDetails('color', 'none')).reason, 'CACHED');
  await checkChange(sidecar, { client, heard }, 'blue');
});

test('the flagd provider survives a restart of the sidecar and goes on hearing of changes', async (t) => {
  const sidecar = await launch(t);
  const { client, heard } = await connect(t, provider(sidecar));
  assert.equal(await color(client), 'red');

  await sidecar.stop();
  await eventually('the provider is stale', () => heard.some(({ event }) => event === ProviderEvents.Stale));
  assert.equal(await color(client), 'none', 'without a sidecar');

  const since = heard.length;
  sidecar.write(flags('blue'));
  await sidecar.start();
  await eventually('the provider is ready again', () => heard.slice(since).some(
    ({ event }) => event === ProviderEvents.Ready,
  ));
  assert.equal(await color(client), 'blue', 'after the restart');
  await checkChange(sidecar, { client, heard }, 'red');
});
