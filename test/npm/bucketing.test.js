// The in-process provider puts subjects into buckets by itself. A service that
// moves from it to the sidecar, or asks both, has to find each subject where
// it was.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagdProvider } from '@openfeature/flagd-provider';
import MurmurHash3 from 'imurmurhash';
import { connect } from './server.js';
import { launch } from './sidecar.js';

const subjects = 10_000;

const variants = { a: 'a', b: 'b', c: 'c', d: 'd' };
const bucketBy = { cat: [{ var: '$flagd.flagKey' }, { var: 'email' }] };
const weighted = [['a', 10], ['b', 20], ['c', 69], ['d', 1]];
const split = (...fractional) => ({ state: 'ENABLED', variants, defaultVariant: 'd', targeting: { fractional } });

const splits = {
  'in-percent': split(...weighted),
  shorthand: split(['a'], ['b'], ['c']),
  'shorthand-beside-weights': split(['a'], ['b', 2], ['c', 0], ['d', 4]),
  'great-weights': split(['a', 715_827_882], ['b', 1_431_655_765]),
  'negative-weight': split(['a', -5], ['b', 1], ['c', 1]),
  'by-email': split(bucketBy, ...weighted),
  'by-country': split({ var: 'country' }, ['a'], ['b'], ['c']),
  'behind-a-rule': {
    state: 'ENABLED', variants, defaultVariant: 'd',
    targeting: { if: [{ ends_with: [{ var: 'email' }, '.org'] }, { fractional: weighted }, 'd'] },
  },
};

const subject = (n, prefix) => ({
  targetingKey: `${prefix}-${n}`,
  email: `${prefix}.${n}@example.${n % 2 ? 'org' : 'com'}`,
  country: `country-${n % 200}`,
});

test('the in-process provider finds each subject in the bucket that the sidecar finds it in', async (t) => {
  const sidecar = await launch(t, splits);
  const client = await inProcess(t, sidecar);
  const counts = {};
  for (let n = 0; n < subjects; n++) {
    const context = subject(n, 'user');
    const ours = await bulk(sidecar, context);
    for (const key of Object.keys(splits)) {
      const theirs = await client.getStringDetails(key, 'none', context);
      assert.equal(`${theirs.variant} ${theirs.reason}`, ours[key], `${key} for ${context.targetingKey}`);
      counts[key] ??= {};
      counts[key][theirs.variant] = (counts[key][theirs.variant] ?? 0) + 1;
    }
  }
  // Who is in a bucket is chance; that all are filled is not.
  assert.deepEqual(
    Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, Object.keys(count).sort().join('')])),
    {
      'in-percent': 'abcd', shorthand: 'abc', 'shorthand-beside-weights': 'abd', 'great-weights': 'ab',
      'negative-weight': 'bc', 'by-email': 'abcd', 'by-country': 'abc', 'behind-a-rule': 'abcd',
    },
  );
});

// The specification hashes UTF-8. The JavaScript provider hashes the units of
// UTF-16 instead, and so parts from flagd and its other providers wherever a
// key is not ASCII. Spelled out as one character for each byte of UTF-8, the
// same key gets from its hash what it gets from the sidecar.
test('the sidecar hashes keys that are not ASCII as UTF-8, other than the in-process provider', async (t) => {
  const sidecar = await launch(t, { shorthand: splits.shorthand });
  const client = await inProcess(t, sidecar);
  let apart = 0;
  for (const name of ['zażółć', 'ユーザー', 'данные', '👩‍🚀']) {
    for (let n = 0; n < 250; n++) {
      const context = subject(n, name);
      const bytes = Buffer.from(`shorthand${context.targetingKey}`, 'utf8').toString('latin1');
      const ours = await bulk(sidecar, context);
      assert.equal(ours.shorthand, `${third(bytes)} TARGETING_MATCH`, context.targetingKey);
      if (await client.getStringValue('shorthand', 'none', context) !== third(bytes)) apart++;
    }
  }
  assert.notEqual(apart, 0, 'the provider hashes UTF-8 now: compare it with the sidecar like all others');
});

/** The bucket of the flag "shorthand" that text falls into, by the provider's own hash. */
const third = (text) => 'abc'[(BigInt(new MurmurHash3(text).result() >>> 0) * 3n) >> 32n];

async function inProcess(t, { sync }) {
  const { client } = await connect(t, new FlagdProvider({ ...sync, resolverType: 'in-process', deadlineMs: 5000 }));
  return client;
}

/** What the sidecar says of every flag, as variant and reason. */
async function bulk({ ofrep }, context) {
  const response = await fetch(`${ofrep}/ofrep/v1/evaluate/flags`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ context }),
  });
  assert.equal(response.status, 200);
  const { flags } = await response.json();
  return Object.fromEntries(flags.map(({ key, variant, reason }) => [key, `${variant} ${reason}`]));
}
