// The page that the tests of the web providers drive: the OpenFeature web SDK
// and the providers, and nothing of ours.

import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { FlagdWebProvider } from '@openfeature/flagd-web-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const providers = {
  flagd: (options) => new FlagdWebProvider(options),
  ofrep: (options) => new OFREPWebProvider(options),
};

const client = OpenFeature.getClient();

globalThis.page = {
  heard: [],

  async connect(kind, options) {
    for (const event of Object.values(ProviderEvents)) {
      client.addHandler(event, (details) => this.heard.push({ event, flags: details?.flagsChanged ?? [] }));
    }
    await OpenFeature.setProviderAndWait(providers[kind](options));
  },

  become: (context) => OpenFeature.setContext(context),

  status: () => client.providerStatus,

  // Asks for details of one type: boolean, string, number or object.
  ask(type, key, otherwise) {
    const method = `get${type[0].toUpperCase()}${type.slice(1)}Details`;
    const { value, variant, reason, errorCode } = client[method](key, otherwise);
    return { value, variant: variant || undefined, reason, errorCode };
  },
};
