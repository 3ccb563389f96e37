// What every provider of the OpenFeature server SDK has to do with our sidecar.

import assert from 'node:assert/strict';
import { OpenFeature, ProviderEvents } from '@openfeature/server-sdk';
import { atEnd, eventually, flags } from './sidecar.js';

const friend = { targetingKey: 'user-7', email: 'a@example.com' };

/** Connects a client of its own to provider, until the test ends. */
export async function connect(t, provider) {
  const heard = [];
  const client = OpenFeature.getClient(t.name);
  for (const event of Object.values(ProviderEvents)) {
    client.addHandler(event, (details) => heard.push({ event, flags: details?.flagsChanged ?? [] }));
  }
  atEnd(t, () => provider.onClose?.());
  await OpenFeature.setProviderAndWait(t.name, provider);
  return { client, heard };
}

export const color = (client) => client.getStringValue('color', 'none');

/** What of an evaluation all providers agree on. */
export function answer({ value, variant, reason, errorCode }) {
  return { value, variant: variant || undefined, reason, errorCode };
}

/**
 * Asks for each thing that can come of a question. Where differs says so, by
 * the name of the question, the provider has its own mind.
 */
export async function checkAnswers(client, differs = {}) {
  const of = (value, variant, reason, errorCode) => ({ value, variant, reason, errorCode });
  const got = {
    // First, because a provider that keeps answers hands them out as any type.
    'wrong type': await client.getStringDetails('bool', 'mine'),
    boolean: await client.getBooleanDetails('bool', false),
    string: await client.getStringDetails('color', 'none'),
    float: await client.getNumberDetails('float', 0),
    int: await client.getNumberDetails('int', 0),
    object: await client.getObjectDetails('object', {}),
    match: await client.getBooleanDetails('rule', false, friend),
    'no match': await client.getBooleanDetails('rule', true),
    'match without a default variant': await client.getBooleanDetails('open', false, friend),
    'no match, no default variant': await client.getBooleanDetails('open', true),
    missing: await client.getBooleanDetails('gone', true),
    'disabled, caller says true': await client.getBooleanDetails('off', true),
    'disabled, caller says false': await client.getBooleanDetails('off', false),
  };
  const want = {
    boolean: of(true, 'on', 'STATIC'),
    string: of('red', 'red', 'STATIC'),
    float: of(0.5, 'half', 'STATIC'),
    int: of(42, 'many', 'STATIC'),
    object: of({ a: 1, b: ['x'] }, 'o', 'STATIC'),
    match: of(true, 'yes', 'TARGETING_MATCH'),
    'no match': of(false, 'no', 'DEFAULT'),
    'match without a default variant': of(true, 'yes', 'TARGETING_MATCH'),
    'no match, no default variant': of(true, undefined, 'DEFAULT'),
    missing: of(true, undefined, 'ERROR', 'FLAG_NOT_FOUND'),
    'wrong type': of('mine', undefined, 'ERROR', 'TYPE_MISMATCH'),
    'disabled, caller says true': of(true, undefined, 'DISABLED'),
    'disabled, caller says false': of(false, undefined, 'DISABLED'),
    ...differs,
  };
  assert.deepEqual(Object.fromEntries(Object.entries(got).map(([name, details]) => [name, answer(details)])), want);
}

/** Changes color under a provider that listens, and expects to be told. */
export async function checkChange(sidecar, { client, heard }, to) {
  const since = heard.length;
  sidecar.write(flags(to));
  await eventually('the provider tells of the change of color', () => heard.slice(since).some(
    ({ event, flags }) => event === ProviderEvents.ConfigurationChanged && flags.includes('color'),
  ));
  assert.equal(await color(client), to, 'after the event');
}
