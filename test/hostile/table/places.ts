/** Where hostile code can run: the rows of the table, and the components that have it there. */
import { readFileSync } from 'node:fs';
import { type CompiledComponent, compileComponent } from '../../../src/component/index.ts';
import { parseWat, printWasm } from '../../../src/component/tooling/index.ts';
import { makeGuest } from '../../kit/guests.ts';
import { CANNOT_LEAVE, PAGES_MAX, type Shape } from './shapes.ts';

/** How code there is run. */
export type Trigger =
  | { readonly kind: 'ask'; readonly operation: string; readonly args?: readonly unknown[] }
  /** Whoever asked may have had the answer before. */
  | { readonly kind: 'answered'; readonly operation: string }
  | { readonly kind: 'start' | 'stop' | 'health' | 'snapshot' | 'restore' | 'request' | 'link' };

export interface Place {
  readonly name: string;
  /** Where in the guest. */
  readonly hook: Hook;
  readonly world: 'functions' | 'messages' | 'http' | 'composed';
  readonly trigger: Trigger;
  /** What code there cannot do: what {@link Shape} says of it. Default: nothing. */
  readonly bounds?: 'destructor' | 'confined' | 'leaving' | 'made' | 'start section';
}

type Hook =
  | 'attack'
  | 'realloc'
  | 'post'
  | 'constructor'
  | 'destructor'
  | 'core start'
  | 'initialize'
  | 'handle'
  | 'start'
  | 'stop'
  | 'health'
  | 'snapshot'
  | 'restore'
  | 'http';

const ask = (operation: string, args: readonly unknown[] = []): Trigger => ({ kind: 'ask', operation, args });
const VICTIM = 'test:hostile/victim';

export const PLACES: readonly Place[] = [
  { name: 'export', hook: 'attack', world: 'functions', trigger: ask(`${VICTIM}#attack`) },
  { name: 'linked function', hook: 'attack', world: 'functions', trigger: { kind: 'link' } },
  { name: 'handler', hook: 'handle', world: 'messages', trigger: ask('attack') },
  { name: 'lifecycle start', hook: 'start', world: 'messages', trigger: { kind: 'start' } },
  { name: 'lifecycle stop', hook: 'stop', world: 'messages', trigger: { kind: 'stop' } },
  { name: 'lifecycle health', hook: 'health', world: 'messages', trigger: { kind: 'health' } },
  { name: 'lifecycle snapshot', hook: 'snapshot', world: 'messages', trigger: { kind: 'snapshot' } },
  { name: 'lifecycle restore', hook: 'restore', world: 'messages', trigger: { kind: 'restore' } },
  { name: '_initialize', hook: 'initialize', world: 'functions', trigger: { kind: 'start' }, bounds: 'made' },
  { name: 'core start', hook: 'core start', world: 'functions', trigger: { kind: 'start' }, bounds: 'start section' },
  {
    name: 'cabi_realloc of arguments',
    hook: 'realloc',
    world: 'functions',
    trigger: ask(`${VICTIM}#give`, ['text']),
    bounds: 'confined',
  },
  {
    name: 'cabi_realloc of results',
    hook: 'realloc',
    world: 'functions',
    trigger: ask(`${VICTIM}#draw`),
    bounds: 'confined',
  },
  {
    name: 'post-return',
    hook: 'post',
    world: 'functions',
    trigger: { kind: 'answered', operation: `${VICTIM}#text` },
    bounds: 'leaving',
  },
  {
    name: 'destructor',
    hook: 'destructor',
    world: 'functions',
    trigger: ask('test:hostile/things#make'),
    bounds: 'destructor',
  },
  {
    name: 'destructor, dropped by another',
    hook: 'destructor',
    world: 'composed',
    trigger: ask('make'),
    bounds: 'destructor',
  },
  { name: 'constructor, called by another', hook: 'constructor', world: 'composed', trigger: ask('make') },
  { name: 'HTTP handler', hook: 'http', world: 'http', trigger: { kind: 'request' } },
];

/** How code of that shape ends there. */
export function endOf({ bounds }: Place, shape: Shape): string {
  const { end, inDestructor = end, whileConfined = inDestructor, whileMade = end, inStartSection = whileMade } = shape;
  switch (bounds) {
    case 'destructor':
      return inDestructor;
    case 'confined':
      return whileConfined;
    case 'leaving':
      return whileConfined === CANNOT_LEAVE ? CANNOT_LEAVE : end;
    case 'made':
      return whileMade;
    case 'start section':
      return inStartSection;
    default:
      return end;
  }
}

const ACTOR_WIT = readFileSync(new URL('../../../wit/actor.wit', import.meta.url), 'utf8');

const WORLDS = {
  functions: 'export victim; export things;',
  messages: 'export things; export troupe:actor/handler@0.1.0; export troupe:actor/lifecycle@0.1.0;',
  http: 'export things; export wasi:http/incoming-handler@0.2.3;',
} as const;

const witOf = (world: keyof typeof WORLDS): string => `
package test:hostile;

interface victim {
  attack: func();
  give: func(x: string);
  draw: func();
  text: func() -> string;
  ok: func() -> u32;
}
interface things {
  resource thing { constructor(); }
  make: func();
}
world w {
  import wasi:io/poll@0.2.3;
  import wasi:clocks/monotonic-clock@0.2.3;
  import wasi:cli/exit@0.2.3;
  import wasi:random/random@0.2.3;
  import wasi:logging/logging@0.1.0-draft;
  import wasi:http/types@0.2.3;
  ${WORLDS[world]}
}

package wasi:io@0.2.3 { interface poll { resource pollable { block: func(); } } }
package wasi:clocks@0.2.3 {
  interface monotonic-clock {
    use wasi:io/poll@0.2.3.{pollable};
    now: func() -> u64;
    subscribe-duration: func(when: u64) -> pollable;
  }
}
package wasi:cli@0.2.3 { interface exit { exit: func(status: result); } }
package wasi:random@0.2.3 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }
package wasi:logging@0.1.0-draft {
  interface logging {
    enum level { trace, debug, info, warn, error, critical }
    log: func(level: level, context: string, message: string);
  }
}
package wasi:http@0.2.3 {
  interface types {
    variant header-error { invalid-syntax, forbidden, immutable }
    resource fields { from-list: static func(entries: list<tuple<string, list<u8>>>) -> result<fields, header-error>; }
    resource incoming-request;
    resource response-outparam;
  }
  interface incoming-handler {
    use types.{incoming-request, response-outparam};
    handle: func(request: incoming-request, response-out: response-outparam);
  }
}
${ACTOR_WIT.replace(/package (.*);/, 'package $1 {')} }`;

const IMPORTS = `
  (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.3" "now" (func $now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.3" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:cli/exit@0.2.3" "exit" (func $exit (param i32)))
  (import "wasi:random/random@0.2.3" "get-random-bytes" (func $random (param i64 i32)))
  (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.3" "[static]fields.from-list" (func $fields (param i32 i32 i32)))
  (import "[export]test:hostile/things" "[resource-new]thing" (func $new (param i32) (result i32)))
  (import "[export]test:hostile/things" "[resource-drop]thing" (func $drop (param i32)))`;

/** Answers at 1024 are zeros: nothing, or all is well; at 2048 stand a pointer and a length. */
function functionsOf({ hook, world }: Place, { body, fields = '' }: Shape): string {
  const at = (place: Hook): string => (hook === place ? '(call $attack)' : '');
  const things = `
    (func (export "test:hostile/things#[constructor]thing") (result i32) ${at('constructor')} (call $new (i32.const 7)))
    (func (export "test:hostile/things#[dtor]thing") (param i32) ${at('destructor')})
    (func (export "test:hostile/things#make") (call $drop (call $new (i32.const 7))))`;
  const worlds = {
    functions: `
      (func (export "${VICTIM}#attack") ${at('attack')})
      (func (export "${VICTIM}#give") (param i32 i32))
      (func (export "${VICTIM}#draw") (call $random (i64.const 16) (i32.const 64)))
      (func (export "${VICTIM}#text") (result i32) (i32.const 2048))
      (func (export "cabi_post_${VICTIM}#text") (param i32) ${at('post')})
      (func (export "${VICTIM}#ok") (result i32) (i32.const 1))`,
    messages: `
      (func (export "troupe:actor/handler@0.1.0#handle") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
        ;; [a]ttack or [b]reak
        (if (i32.eq (i32.load8_u (local.get 1)) (i32.const 97)) (then ${at('handle')}))
        (if (i32.eq (i32.load8_u (local.get 1)) (i32.const 98)) (then unreachable))
        (call $reset)
        (i32.const 1024))
      (func (export "troupe:actor/lifecycle@0.1.0#start") (param i32 i32) (result i32) ${at('start')} (i32.const 1024))
      (func (export "troupe:actor/lifecycle@0.1.0#stop") ${at('stop')})
      (func (export "troupe:actor/lifecycle@0.1.0#health") (result i32) ${at('health')} (i32.const 1024))
      (func (export "troupe:actor/lifecycle@0.1.0#snapshot") (result i32) ${at('snapshot')} (i32.const 2048))
      (func (export "troupe:actor/lifecycle@0.1.0#restore") (param i32 i32) (result i32) ${at('restore')} (i32.const 1024))`,
    http: `
      (func (export "wasi:http/incoming-handler@0.2.3#handle") (param i32 i32) ${at('http')})`,
  };
  return `
    (data (i32.const 2048) "\\00\\0c\\00\\00\\04\\00\\00\\00") (data (i32.const 3072) "text")
    ${fields}
    (func $wait (call $block (call $after (i64.const 3600000000000))))
    (func $attack (local $i i32) (local $n i64) ${body})
    ${things}
    ${worlds[world === 'composed' ? 'functions' : world]}
    ${hook === 'initialize' ? '(func (export "_initialize") (call $attack))' : ''}
    ${hook === 'core start' ? '(start $attack)' : ''}`;
}

/** Two components: `things` of the guest, and another one that makes one and drops it. */
async function compose(guest: Uint8Array): Promise<Uint8Array> {
  const text = await printWasm(guest);
  const opening = text.indexOf('(component') + '(component'.length;
  const head = text.slice(opening, text.indexOf('(core module'));
  const names = [...head.matchAll(/\(import "([^"]+)" \(instance/g)].map(([, name]) => name);
  const given = names.map((name, nth) => `(with "${name}" (instance ${nth}))`).join(' ');
  return parseWat(`(component ${head}
    (component $A ${text.slice(opening)}
    (instance $a (instantiate $A ${given}))
    (component $B
      (import "things" (instance $things (export "thing" (type $thing (sub resource)))
        (export "[constructor]thing" (func (result (own $thing))))))
      (alias export $things "thing" (type $thing))
      (core func $new (canon lower (func $things "[constructor]thing")))
      (core func $drop (canon resource.drop $thing))
      (core module $M (import "" "new" (func $new (result i32))) (import "" "drop" (func $drop (param i32)))
        (func (export "make") (call $drop (call $new))))
      (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
      (func (export "make") (canon lift (core func $m "make"))))
    (instance $b (instantiate $B (with "things" (instance $a "test:hostile/things"))))
    (export "make" (func $b "make"))
    (export "${VICTIM}" (instance $a "${VICTIM}")))`);
}

/** The component that has code of that shape at that place. */
export async function compileCell(place: Place, shape: Shape): Promise<CompiledComponent> {
  const alloc = place.hook === 'realloc' ? '(call $attack)' : '';
  const code = { imports: IMPORTS, functions: functionsOf(place, shape), alloc };
  const wit = witOf(place.world === 'composed' ? 'functions' : place.world);
  const bytes = await makeGuest(wit, code);
  const whole = place.world === 'composed' ? await compose(bytes) : bytes;
  return compileComponent(whole, { metered: true, limits: { memoryBytes: PAGES_MAX * 65_536 } });
}
