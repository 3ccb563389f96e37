// What every provider of the OpenFeature web SDK has to do with our sidecar.

import assert from 'node:assert/strict';
import { eventually, flags } from './sidecar.js';

const friend = { targetingKey: 'user-7', email: 'a@example.com' };

export const connect = (page, kind, options) => page.evaluate(
  ([kind, options]) => globalThis.page.connect(kind, options), [kind, options],
);

export const ask = (page, ...question) => page.evaluate((question) => globalThis.page.ask(...question), question);

export const color = async (page) => (await ask(page, 'string', 'color', 'none')).value;

export const heard = (page) => page.evaluate(() => globalThis.page.heard);

export const status = (page) => page.evaluate(() => globalThis.page.status());

/** As checkAnswers for servers; here the subject is that of the page. */
export async function checkAnswers(page, differs = {}) {
  const of = (value, variant, reason, errorCode) => ({ value, variant, reason, errorCode });
  const got = {
    boolean: await ask(page, 'boolean', 'bool', false),
    string: await ask(page, 'string', 'color', 'none'),
    float: await ask(page, 'number', 'float', 0),
    int: await ask(page, 'number', 'int', 0),
    object: await ask(page, 'object', 'object', {}),
    'no match': await ask(page, 'boolean', 'rule', true),
    'no match, no default variant': await ask(page, 'boolean', 'open', true),
    missing: await ask(page, 'boolean', 'gone', true),
    'wrong type': await ask(page, 'string', 'bool', 'mine'),
    disabled: await ask(page, 'boolean', 'off', true),
  };
  await page.evaluate((friend) => globalThis.page.become(friend), friend);
  got.match = await ask(page, 'boolean', 'rule', false);
  got['match without a default variant'] = await ask(page, 'boolean', 'open', false);
  assert.deepEqual(got, {
    boolean: of(true, 'on', 'STATIC'),
    string: of('red', 'red', 'STATIC'),
    float: of(0.5, 'half', 'STATIC'),
    int: of(42, 'many', 'STATIC'),
    object: of({ a: 1, b: ['x'] }, 'o', 'STATIC'),
    'no match': of(false, 'no', 'DEFAULT'),
    'no match, no default variant': of(true, undefined, 'DEFAULT'),
    missing: of(true, undefined, 'ERROR', 'FLAG_NOT_FOUND'),
    'wrong type': of('mine', undefined, 'ERROR', 'TYPE_MISMATCH'),
    disabled: of(true, undefined, 'DISABLED'),
    match: of(true, 'yes', 'TARGETING_MATCH'),
    'match without a default variant': of(true, 'yes', 'TARGETING_MATCH'),
    ...differs,
  });
}

/** Changes color under a page that listens, and expects it to be told. */
export async function checkChange(sidecar, page, to) {
  const since = (await heard(page)).length;
  sidecar.write(flags(to));
  await eventually('the page is told of a change', async () => (await heard(page)).slice(since).some(
    ({ event }) => event === 'PROVIDER_CONFIGURATION_CHANGED',
  ));
  assert.equal(await color(page), to, 'after the event');
}
