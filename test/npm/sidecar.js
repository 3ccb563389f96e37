// Runs our sidecar for the tests: as its own process, out of this repository,
// on flags that the test may change. Nothing here knows any client.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';

const patience = 30_000; // ms

// The program is built out of the repository that this folder lies in, once
// for each file of tests.
const program = join(scratch(after), 'flagline-sidecar');
const repository = join(import.meta.dirname, '..', '..');
execFileSync('go', ['build', '-C', repository, '-o', program, './cmd/flagline-sidecar'], { stdio: 'inherit' });

/** What the clients are asked about; color is the default variant of the flag "color". */
export const flags = (color) => ({
  color: { state: 'ENABLED', variants: { red: 'red', blue: 'blue', green: 'green' }, defaultVariant: color },
  bool: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' },
  float: { state: 'ENABLED', variants: { half: 0.5 }, defaultVariant: 'half' },
  int: { state: 'ENABLED', variants: { many: 42 }, defaultVariant: 'many' },
  object: { state: 'ENABLED', variants: { o: { a: 1, b: ['x'] } }, defaultVariant: 'o' },
  rule: {
    state: 'ENABLED',
    variants: { yes: true, no: false },
    defaultVariant: 'no',
    targeting: { if: [{ ends_with: [{ var: 'email' }, '@example.com'] }, 'yes', null] },
  },
  open: {
    state: 'ENABLED',
    variants: { yes: true },
    targeting: { if: [{ ends_with: [{ var: 'email' }, '@example.com'] }, 'yes', null] },
  },
  off: { state: 'DISABLED', variants: { on: true }, defaultVariant: 'on' },
});

/**
 * Starts a sidecar, with more settings if there are any, and waits until it has
 * flags. It ends with the test; if that fails, what the sidecar logged is shown.
 */
export async function launch(t, document = flags('red'), ...settings) {
  const sidecar = new Sidecar(scratch((clean) => atEnd(t, clean)), settings);
  atEnd(t, async () => {
    await sidecar.kill();
    if (!t.passed) t.diagnostic(`the sidecar says:\n${sidecar.log}`);
  });
  sidecar.write(document);
  await sidecar.start();
  return sidecar;
}

const endings = new WeakMap(); // what is to be done at the end of a test

/**
 * Calls clean when the test ends, in the reverse order of these calls, so that
 * clients are gone before their sidecar: some of them never cease to look for
 * one that was lost before they were closed.
 */
export function atEnd(t, clean) {
  if (!endings.has(t)) {
    endings.set(t, []);
    t.after(async () => {
      for (const clean of endings.get(t).reverse()) await clean();
    });
  }
  endings.get(t).push(clean);
}

/** Waits until claim returns something true, and returns it. */
export async function eventually(what, claim) {
  for (const end = Date.now() + patience; ; await wait(20)) {
    const held = await claim();
    if (held) return held;
    if (Date.now() > end) throw new Error(`it is still not so that ${what}`);
  }
}

class Sidecar {
  log = '';
  #dir;
  #settings;
  #process;
  #ports = {}; // by setting, once known, so that a restart takes the same ones

  constructor(dir, settings) {
    this.#dir = dir;
    this.#settings = settings;
  }

  get #flags() {
    return join(this.#dir, 'flags.json');
  }

  /** Makes flags what the sidecar serves, in one step, as a careful operator would. */
  write(flags) {
    writeFileSync(`${this.#flags}.new`, JSON.stringify({ flags }));
    renameSync(`${this.#flags}.new`, this.#flags);
  }

  /** Starts the sidecar, where it was if it ran before. */
  async start() {
    const ready = join(this.#dir, 'ready.json');
    rmSync(ready, { force: true });
    const port = (name) => `--${name}=${this.#ports[name] ?? 0}`;
    this.#process = spawn(program, [
      'start', `--uri=file:${this.#flags}`, `--ready-file=${ready}`,
      port('port'), port('management-port'), port('sync-port'), port('ofrep-port'), ...this.#settings,
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr.on('data', (data) => { this.log += data; });
    const at = await eventually('the sidecar listens', () => this.#alive() && read(ready));
    this.evaluation = address(at.evaluation);
    this.ofrep = `http://${at.ofrep}`;
    this.sync = address(at.sync);
    this.#ports = {
      port: this.evaluation.port,
      'management-port': address(at.management).port,
      'sync-port': this.sync.port,
      'ofrep-port': address(at.ofrep).port,
    };
    await eventually('the sidecar has flags', () => answers(`http://${at.management}/readyz`));
  }

  /** Ends the sidecar as an orchestrator does, and waits until it is gone. */
  async stop() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const [code, signal] = await ended;
    if (code !== 0) throw new Error(`the sidecar ends with ${code ?? signal}, want exit code 0`);
  }

  async kill() {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  #alive() {
    if (this.#process.exitCode === null) return true;
    throw new Error(`the sidecar ended with ${this.#process.exitCode}:\n${this.log}`);
  }
}

/** Returns a new directory, which is gone when what whenDone is given is called. */
export function scratch(whenDone) {
  const dir = mkdtempSync(join(tmpdir(), 'flagline-npm-'));
  whenDone(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file));
  } catch (err) {
    if (err.code === 'ENOENT') return undefined;
    throw err;
  }
}

function address(hostPort) {
  const { hostname, port } = new URL(`tcp://${hostPort}`);
  return { host: hostname, port: Number(port) };
}

async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
