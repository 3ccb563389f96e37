// Reports what node:test finds in the form of "go test -json", so that the
// tests of this folder are counted with all others (.ci/summary). A file of
// tests is a package. One that fails by itself, because it cannot be loaded or
// dies, is a package that fails without a test that failed.

import { basename } from 'node:path';

export default async function* report(events) {
  const files = new Map(); // by name of the package

  for await (const { type, data } of events) {
    if (!data.file || data.nesting > 0) continue;
    const Package = `test/npm/${basename(data.file, '.test.js')}`;
    const file = files.get(Package) ?? { failed: false, seconds: 0, last: undefined };
    files.set(Package, file);
    const isFile = data.name === data.file;
    // What follows a slash would be the name of a subtest.
    const Test = isFile ? undefined : data.name?.replaceAll('/', '∕');

    switch (type) {
      case 'test:stdout':
      case 'test:stderr':
        yield line({ Action: 'output', Package, Output: data.message });
        break;
      case 'test:diagnostic': // of the test that ended before it
        yield line({ Action: 'output', Package, Test: file.last?.Test, Output: `${data.message}\n` });
        break;
      case 'test:pass':
      case 'test:fail':
        if (file.last) yield line(file.last);
        file.last = undefined;
        file.failed ||= type === 'test:fail';
        if (isFile) break;
        file.seconds += data.details.duration_ms / 1000;
        if (type === 'test:fail') {
          yield line({ Action: 'output', Package, Test, Output: `${reason(data.details.error)}\n` });
        }
        file.last = { Action: action(type, data), Package, Test };
        break;
    }
  }

  for (const [Package, { failed, seconds, last }] of files) {
    if (last) yield line(last);
    const how = failed ? 'FAIL' : 'ok  ';
    yield line({ Action: 'output', Package, Output: `${how}\t${Package}\t${seconds.toFixed(3)}s\n` });
    yield line({ Action: failed ? 'fail' : 'pass', Package });
  }
}

const line = (event) => `${JSON.stringify(event)}\n`;

function action(type, { skip, todo }) {
  if (type === 'test:fail') return 'fail';
  return skip || todo ? 'skip' : 'pass';
}

/** Why a test failed, without what node:test wraps it in. */
const reason = (error) => error.cause?.stack ?? error.cause ?? error.stack;
