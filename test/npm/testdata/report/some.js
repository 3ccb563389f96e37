// Tests that fail and pass, for the test of the reporter.
import { test } from 'node:test';

test('passes', () => {});
test('passes/with a slash', () => {});
test('is skipped', { skip: true }, () => {});
test('fails', (t) => {
  t.diagnostic('and says more');
  throw new Error('because it has to');
});
