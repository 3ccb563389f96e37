// @openfeature/flagd-provider follows our sync port and evaluates by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { ProviderEvents } from '@openfeature/server-sdk';
import { checkAnswers, checkChange, color, connect } from './server.js';
import { eventually, flags, launch } from './sidecar.js';

const provider = ({ sync }) => new FlagdProvider({
  ...sync, resolverType: 'in-process', deadlineMs: 5000, retryBackoffMs: 100, retryBackoffMaxMs: 100,
});

test('the in-process provider comes to the answers of flagd with our flags', async (t) => {
  const { client } = await connect(t, provider(await launch(t)));
  await checkAnswers(client);
});

test('the in-process provider hears of a change', async (t) => {
  const sidecar = await launch(t);
  const connection = await connect(t, provider(sidecar));
  assert.equal(await color(connection.client), 'red');
  await checkChange(sidecar, connection, 'blue');
});

test('the in-process provider answers through a restart of the sidecar and goes on hearing of changes', async (t) => {
  const sidecar = await launch(t);
  const { client, heard } = await connect(t, provider(sidecar));

  await sidecar.stop();
  await eventually('the provider is stale', () => heard.some(({ event }) => event === ProviderEvents.Stale));
  assert.equal(await color(client), 'red', 'without a sidecar');

  const since = heard.length;
  sidecar.write(flags('blue'));
  await sidecar.start();
  await eventually('the provider is ready again', () => heard.slice(since).some(
    ({ event }) => event === ProviderEvents.Ready,
  ));
  assert.equal(await color(client), 'blue', 'after the restart');
  await checkChange(sidecar, { client, heard }, 'red');
});

// The provider throws a whole document away for one flag whose state it does
// not know, or that has no variants.
test('odd flags do not keep the in-process provider from the others', async (t) => {
  const sidecar = await launch(t, {
    ...flags('red'),
    stateless: { variants: { on: true }, defaultVariant: 'on' },
    shouting: { state: 'enabled', variants: { on: true }, defaultVariant: 'on' },
    empty: { state: 'ENABLED' },
    lost: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'gone' },
    strange: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on', targeting: { unheard_of: [] } },
  });
  const { client } = await connect(t, provider(sidecar));
  await checkAnswers(client);
  assert.equal(await client.getBooleanValue('stateless', false), true);
  assert.equal(await client.getBooleanValue('shouting', false), true);
  for (const key of ['empty', 'lost', 'strange']) assert.equal((await client.getBooleanDetails(key, true)).value, true, key);
});
