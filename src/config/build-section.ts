import { choice, list, table, text } from './fields.ts';

/** How a component is made of its source: `[build]` of `Component.toml`. */
export const BUILD_SECTION = table({
  language: choice(['typescript', 'javascript', 'assemblyscript', 'rust', 'c']).meta({ description: 'Of the source' }),
  entry: text('the path of a source file').meta({
    description: 'What the compiler is given, relative to this file',
    examples: ['src/index.ts'],
  }),
  wit: text('the path of a .wit file or of a folder of them')
    .optional()
    .meta({ description: 'WIT package of the component, if it has one of its own' }),
  world: text('the name of a world').optional().meta({
    description:
      'World of `wit`, if it holds several; without `wit`: `actor`, `stateful-actor`, `http` or `command`. JavaScript and TypeScript tell by their exports',
  }),
  engine: choice(['quickjs', 'starlingmonkey']).default('quickjs').meta({
    description:
      'What runs JavaScript: QuickJS makes 1 MB, StarlingMonkey 12 MB with `fetch`, `URL` and the rest of the Web',
  }),
  optimize: choice(['size', 'speed']).default('size').meta({ description: 'What matters more' }),
  flags: list(text('an option of the compiler'), 'a list of options')
    .default([])
    .meta({ description: 'More options for the compiler of C, Rust or AssemblyScript' }),
}).meta({ description: 'How `troupe build` makes it' });
