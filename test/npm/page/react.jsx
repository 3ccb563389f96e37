// The page of the React test: a box that has the color the flag says, and text
// that only friends see.

import { createRoot } from 'react-dom/client';
import { OpenFeature, OpenFeatureProvider, useFlag, useOpenFeatureClientStatus } from '@openfeature/react-sdk';
import { FlagdWebProvider } from '@openfeature/flagd-web-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const providers = {
  flagd: (options) => new FlagdWebProvider(options),
  ofrep: (options) => new OFREPWebProvider(options),
};

function Row({ flag, otherwise }) {
  const { value, variant, reason } = useFlag(flag, otherwise);
  return <tr id={flag}><td>{flag}</td><td className="value">{JSON.stringify(value)}</td><td>{variant}</td><td>{reason}</td></tr>;
}

function App() {
  const { value: color } = useFlag('color', 'none');
  const { value: friend } = useFlag('rule', false);
  return (
    <main style={{ font: '16px sans-serif', margin: 24 }}>
      <div id="box" style={{ background: color, color: 'white', padding: 24, width: 360 }}>{color}</div>
      <p id="friend">{friend ? 'Hello, friend' : 'Hello, stranger'}</p>
      <p>The provider is <span id="status">{useOpenFeatureClientStatus()}</span></p>
      <table cellPadding="4"><tbody>
        <Row flag="bool" otherwise={false} />
        <Row flag="float" otherwise={0} />
        <Row flag="int" otherwise={0} />
        <Row flag="object" otherwise={{}} />
        <Row flag="open" otherwise={false} />
        <Row flag="off" otherwise={false} />
        <Row flag="gone" otherwise="mine" />
      </tbody></table>
    </main>
  );
}

globalThis.page = {
  async show(kind, options) {
    OpenFeature.setProvider(providers[kind](options));
    createRoot(document.getElementById('root')).render(<OpenFeatureProvider><App /></OpenFeatureProvider>);
  },
  become: (context) => OpenFeature.setContext(context),
};
