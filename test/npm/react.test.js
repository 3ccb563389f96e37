// @openfeature/react-sdk shows what our flags say, and shows it anew when they
// change, without a reload.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from './browser.js';
import { eventually, flags, launch } from './sidecar.js';

const open = pageOf('react.jsx');

const show = (page, kind, options) => page.evaluate(
  ([kind, options]) => globalThis.page.show(kind, options), [kind, options],
);

const text = (page, selector) => page.locator(selector).innerText();

const shows = (page, selector, want) => eventually(
  `${selector} shows ${want}`, async () => await text(page, selector) === want,
);

// The page asked for its flags and has them, or has had them.
const isAnswer = (response) => response.request().method() === 'POST' &&
  !response.url().endsWith('/EventStream') && [200, 304].includes(response.status());

for (const [name, kind, options] of [
  ['the flagd web provider', 'flagd', ({ evaluation }) => ({ ...evaluation, tls: false, maxDelay: 200 })],
  ['the OFREP web provider by polling', 'ofrep', ({ ofrep }) => (
    { baseUrl: ofrep, pollInterval: 200, changeDetection: 'polling' })],
  ['the OFREP web provider by events', 'ofrep', ({ ofrep }) => ({ baseUrl: ofrep })],
]) {
  test(`a React page shows flags, and changes to them, through ${name}`, async (t) => {
    const sidecar = await launch(t);
    const page = await open(t);
    await show(page, kind, options(sidecar));

    await shows(page, '#status', 'READY');
    assert.equal(await text(page, '#box'), 'red');
    assert.equal(await text(page, '#friend'), 'Hello, stranger');
    for (const [flag, value] of Object.entries({
      bool: 'true', float: '0.5', int: '42', object: '{"a":1,"b":["x"]}', open: 'false', off: 'false', gone: '"mine"',
    })) {
      assert.equal(await text(page, `#${flag} .value`), value, flag);
    }

    await page.evaluate(() => globalThis.page.become({ targetingKey: 'user-7', email: 'a@example.com' }));
    await shows(page, '#friend', 'Hello, friend');

    sidecar.write(flags('blue'));
    await shows(page, '#box', 'blue');
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });

    await sidecar.stop();
    assert.equal(await text(page, '#box'), 'blue', 'without a sidecar');
    sidecar.write(flags('red'));
    const asked = page.waitForResponse(isAnswer);
    await sidecar.start();
    await asked;
    sidecar.write(flags('green'));
    await shows(page, '#box', 'green');
  });
}
