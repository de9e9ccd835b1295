import { table, text } from './fields.ts';

/** `[monitoring]` of `troupe.toml`. */
export const MONITORING_SECTION = table({
  listen: text('an address, such as "127.0.0.1:9464"').meta({
    description: 'Address and port; `0.0.0.0` is every address of this machine, port 0 any that is free',
    examples: ['127.0.0.1:9464'],
  }),
}).meta({
  description:
    'Shows `/metrics`, `/health`, `/live` and `/ready` at an address of its own, without a token, to whoever reaches it',
});
