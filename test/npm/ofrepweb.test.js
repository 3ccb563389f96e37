// @openfeature/ofrep-web-provider asks our OFREP port out of a web page. It
// hears of changes by server-sent events, or asks again and again.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pageOf } from './browser.js';
import { atEnd, eventually, flags, launch, scratch } from './sidecar.js';
import { checkAnswers, checkChange, color, connect } from './web.js';

const open = pageOf('clients.js');

const polling = ({ ofrep }) => ({ baseUrl: ofrep, pollInterval: 200, changeDetection: 'polling' });
const events = ({ ofrep }) => ({ baseUrl: ofrep });

test('the OFREP web provider gets the answers of flagd', async (t) => {
  const sidecar = await launch(t);
  const page = await open(t);
  await connect(page, 'ofrep', events(sidecar));
  await checkAnswers(page);
});

for (const [how, options] of Object.entries({ 'by polling': polling, 'by events': events })) {
  test(`the OFREP web provider learns of a change ${how}`, async (t) => {
    const sidecar = await launch(t);
    const page = await open(t);
    await connect(page, 'ofrep', options(sidecar));
    assert.equal(await color(page), 'red');
    await checkChange(sidecar, page, 'blue');
  });

  test(`the OFREP web provider answers through a restart of the sidecar and goes on learning ${how}`, async (t) => {
    const sidecar = await launch(t);
    const page = await open(t);
    await connect(page, 'ofrep', options(sidecar));
    await sidecar.stop();
    assert.equal(await color(page), 'red', 'without a sidecar');
    sidecar.write(flags('blue'));
    await sidecar.start();
    await eventually('color is blue', async () => await color(page) === 'blue');
    await checkChange(sidecar, page, 'red');
  });

  // By events it asks at once, naming the flags that the first event tells of.
  test(`the OFREP web provider that asks ${how} is told if its answers are the same`, async (t) => {
    const sidecar = await launch(t);
    const page = await open(t);
    const again = page.waitForResponse((response) => response.status() === 304);
    await Promise.all([connect(page, 'ofrep', options(sidecar)), again]);
    assert.equal(new URL((await again).url()).searchParams.has('flagConfigEtag'), how === 'by events');
    assert.equal(await color(page), 'red');
  });
}

// An EventSource cannot name a token: a page that is sent to one regardless asks
// for all flags once a second, for ever, because each failure begins anew.
test('a page that names its token is answered, and not sent where it cannot name one', async (t) => {
  const tokens = join(scratch((clean) => atEnd(t, clean)), 'tokens');
  writeFileSync(tokens, 'a-token-of-the-page\n');
  const sidecar = await launch(t, flags('red'), `--auth-token-path=${tokens}`);
  const page = await open(t);
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    connect(page, 'ofrep', { baseUrl: sidecar.ofrep, headers: [['Authorization', 'Bearer a-token-of-the-page']] }),
  ]);
  assert.equal(await color(page), 'red');
  assert.equal((await answer.json()).eventStreams, undefined);
});
