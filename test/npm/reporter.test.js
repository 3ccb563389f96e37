// Failures must not get lost between node:test and the count of .ci/summary.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const here = import.meta.dirname;

const run = (program, ...args) => {
  // Inside of node --test, its child would take itself for a part of it.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout, stderr, status } = spawnSync(program, args, { cwd: here, env, encoding: 'utf8' });
  return { stdout, stderr, status };
};

test('the summary counts what node found, and shows why it failed', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'flagline-npm-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const record = join(dir, 'test.json');

  const { stdout } = run(process.execPath, '--test', '--test-reporter=./reporter.js',
    'testdata/report/some.js', 'testdata/report/dies.js');
  writeFileSync(record, stdout);
  const summary = run('go', 'run', '-C', join(here, '..', '..'), './.ci/summary', record);

  assert.match(summary.stdout, /^2 passed, 2 failed$/m, summary.stderr);
  assert.match(summary.stdout, /^=== test\/npm\/some\.js fails\nError: because it has to$/m);
  assert.match(summary.stdout, /^and says more$/m);
  assert.match(summary.stdout, /^=== test\/npm\/dies\.js$/m);
  assert.doesNotMatch(summary.stdout, /^=== .* passes/m);
});
