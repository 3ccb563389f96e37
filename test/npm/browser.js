// A real browser for the tests, with a page from an origin of its own.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { atEnd } from './sidecar.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking'];

/**
 * Serves a page, made of one script in the folder page, for the tests of a
 * file. What it returns opens that page in a browser profile of its own.
 */
export function pageOf(script) {
  let browser, server, address;

  before(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, 'page', script)],
      bundle: true, format: 'iife', jsx: 'automatic', write: false,
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    server = createServer((req, res) => answer(res, req.url, outputFiles[0].contents)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `http://127.0.0.1:${server.address().port}/`;
    browser = await chromium.launch({ executablePath, args });
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  return async (t) => {
    const context = await browser.newContext({ viewport: { width: 480, height: 480 } });
    const said = [];
    atEnd(t, async () => {
      await context.close();
      if (!t.passed) t.diagnostic(`the page says:\n${said.join('\n')}`);
    });
    const page = await context.newPage();
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (err) => said.push(String(err)));
    await page.goto(address);
    return page;
  };
}

function answer(res, url, script) {
  const [status, type, body] = {
    '/': [200, 'text/html', '<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script src="page.js"></script>'],
    '/page.js': [200, 'text/javascript', script],
  }[url] ?? [404, 'text/plain', 'not found'];
  res.writeHead(status, { 'Content-Type': `${type}; charset=utf-8` }).end(body);
}
