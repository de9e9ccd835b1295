/** Components whose `flood` has the host work without end: for each call as much as it can be made to do. */

interface Flood {
  /** What the host does for one call. */
  readonly what: string;
  readonly wat: string;
}

interface Import {
  readonly interface: string;
  /** The interface in WAT, without the parentheses around it. */
  readonly types: string;
  readonly func: string;
  /** Types of the core function's parameters. */
  readonly params: string;
}

const RANDOM: Import = {
  interface: 'wasi:random/random@0.2.0',
  types: '(export "get-random-bytes" (func (param "len" u64) (result (list u8))))',
  func: 'get-random-bytes',
  params: 'i64 i32',
};

const LOG: Import = {
  interface: 'wasi:logging/logging',
  types: `(type $level' (enum "trace" "debug" "info" "warn" "error" "critical")) (export "level" (type $level (eq $level')))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))`,
  func: 'log',
  params: 'i32 i32 i32 i32 i32',
};

const MESSAGING: Import = {
  interface: 'troupe:actor/messaging@0.1.0',
  types: `(type $kind' (enum
      "invalid" "denied" "not-found" "conflict" "overload" "timeout" "unavailable" "cancelled" "internal"))
    (export "failure-kind" (type $kind (eq $kind')))
    (type $failure' (record (field "kind" $kind) (field "code" string) (field "message" string)))
    (export "failure" (type $failure (eq $failure')))
    (export "publish" (func (param "topic" string) (param "payload" (list u8)) (result (result u32 (error $failure)))))`,
  func: 'publish',
  params: 'i32 i32 i32 i32 i32',
};

const FIELDS: Import = {
  interface: 'wasi:http/types@0.2.0',
  types: `(export "fields" (type $fields (sub resource)))
    (type $error' (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $error (eq $error')))
    (export "[static]fields.from-list" (func
      (param "entries" (list (tuple string (list u8)))) (result (result (own $fields) (error $error)))))`,
  func: '[static]fields.from-list',
  params: 'i32 i32 i32',
};

/** Where the values are that it passes, and room for what it is given. */
const VALUES = 65_536;
const PAGES = 20;

function flood({ interface: name, types, func, params }: Import, args: string): string {
  return `(component
    (import "${name}" (instance $host ${types}))
    (core module $A (memory (export "memory") ${PAGES})
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const ${VALUES})))
    (core instance $a (instantiate $A))
    (core func $call (canon lower (func $host "${func}") (memory $a "memory") (realloc (func $a "realloc"))))
    (core module $M (import "" "call" (func $call (param ${params})))
      (func (export "flood") (loop $l (call $call ${args}) (br $l))))
    (core instance $m (instantiate $M (with "" (instance (export "call" (func $call))))))
    (func (export "flood") (canon lift (core func $m "flood"))))`;
}

const list = (count: number): string => `(i32.const ${VALUES}) (i32.const ${count})`;
const publish = (bytes: number): string =>
  flood(MESSAGING, `(i32.const 0) (i32.const 1) ${list(bytes)} (i32.const 16)`);
const log = (bytes: number): string => flood(LOG, `(i32.const 1) (i32.const 0) (i32.const 0) ${list(bytes)}`);

export const FLOODS: readonly Flood[] = [
  { what: 'draw 8 KiB', wat: flood(RANDOM, '(i64.const 8192) (i32.const 16)') },
  { what: 'publish 16 KiB', wat: publish(16_384) },
  { what: 'publish 1 MB', wat: publish(1_000_000) },
  { what: 'log 1 MB', wat: log(1_000_000) },
  { what: 'read 1,000 header fields', wat: flood(FIELDS, `${list(1_000)} (i32.const 16)`) },
];
