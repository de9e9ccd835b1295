/**
 * The sources that `troupe new` writes. Each shows one thing to build on, in as few lines as that takes.
 */

export type TemplateLanguage = 'ts' | 'js' | 'assemblyscript' | 'rust' | 'c';
/** Takes messages, answers HTTP, or offers functions. */
export type TemplateKind = 'actor' | 'http' | 'functions';

/** One component to begin with. */
export interface Template {
  /** The source that the compiler is given, and what it is. */
  readonly entry: string;
  readonly text: string;
  /** Files of `examples/guest-kit/` that stand beside the source. */
  readonly kit: readonly string[];
  /** Other files, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** How to see it work, once `troupe up` runs; `{name}` is its name. */
  readonly attempt: string;
}

const ACTOR_SCRIPT = `import { defineActor, Failure } from 'troupe/guest';

// State is plain variables: a restart begins anew.
let greeted = 0;

export const { handler } = defineActor({
  operations: {
    greet(message) {
      const name = message.text().trim();
      if (name === '') throw new Failure('invalid', 'NAME_MISSING', 'Whom should I greet?');
      greeted += 1;
      return \`Hello, \${name}!\`;
    },
    // Whatever is not text or bytes is answered as JSON.
    stats: () => ({ greeted }),
  },
});
`;

const HTTP_SCRIPT = `import { serve } from 'troupe/guest';

export const incomingHandler = serve((request) => {
  if (request.method !== 'GET') return { status: 405, headers: { allow: 'GET' } };
  const name = request.query('name') ?? 'world';
  return { body: { hello: name, path: request.path } };
});
`;

const FUNCTIONS_SCRIPT = {
  ts: `// One object for each interface that the world in wit/ exports.
export const text = {
  reverse: (value: string): string => [...value].reverse().join(''),
  // What is thrown is the error of the \`result\`.
  repeat(value: string, times: number): string {
    if (times > 1_000) throw 'at most 1000 times';
    return value.repeat(times);
  },
};
`,
  js: `// One object for each interface that the world in wit/ exports.
export const text = {
  reverse: (value) => [...value].reverse().join(''),
  // What is thrown is the error of the \`result\`.
  repeat(value, times) {
    if (times > 1_000) throw 'at most 1000 times';
    return value.repeat(times);
  },
};
`,
};

const FUNCTIONS_WIT = `package local:component;

/// Each function is an operation that can be asked: "local:component/text#reverse".
interface text {
  reverse: func(value: string) -> string;
  repeat: func(value: string, times: u32) -> result<string, string>;
}

world component {
  export text;
}
`;

const ASSEMBLYSCRIPT = `import { Answer, Kind, Message, refuse, refuseUnknown, replyText, serve, textOf } from './troupe';

export * from './exports';

// State is plain variables: a restart begins anew.
let greeted: u32 = 0;

serve((message: Message): Answer => {
  if (message.subject == 'stats') return replyText(\`{"greeted":\${greeted}}\`);
  if (message.subject != 'greet') return refuseUnknown(message);
  const name = textOf(message.payload).trim();
  if (name.length == 0) return refuse(Kind.Invalid, 'NAME_MISSING', 'Whom should I greet?');
  greeted++;
  return replyText(\`Hello, \${name}!\`);
});
`;

const RUST = `mod troupe;

use std::sync::atomic::{AtomicU32, Ordering};
use troupe::{Answer, Failure, Kind, Message};

// State is statics: a restart begins anew.
static GREETED: AtomicU32 = AtomicU32::new(0);

fn handle(message: &Message) -> Answer {
    match message.subject {
        "greet" => {
            let name = String::from_utf8_lossy(message.payload).trim().to_string();
            if name.is_empty() {
                return Err(Failure::new(Kind::Invalid, "NAME_MISSING", "Whom should I greet?"));
            }
            GREETED.fetch_add(1, Ordering::Relaxed);
            Ok(Some(format!("Hello, {name}!").into_bytes()))
        }
        "stats" => Ok(Some(format!("{{\\"greeted\\":{}}}", GREETED.load(Ordering::Relaxed)).into_bytes())),
        _ => Err(Failure::unknown_operation(message)),
    }
}

troupe::actor!(handle);
`;

const C = `#include "troupe.h"

/* State is plain variables: a restart begins anew. */
static uint32_t greeted;

static troupe_answer handle(const troupe_message *message) {
  troupe_writer text = troupe_begin(64 + message->payload.len);
  if (troupe_equal(message->subject, TROUPE_TEXT("greet"))) {
    if (message->payload.len == 0) {
      return troupe_refuse(TROUPE_INVALID, TROUPE_TEXT("NAME_MISSING"), TROUPE_TEXT("Whom should I greet?"));
    }
    greeted++;
    troupe_write(&text, TROUPE_TEXT("Hello, "));
    troupe_write(&text, message->payload);
    troupe_write(&text, TROUPE_TEXT("!"));
    return troupe_reply(troupe_written(&text));
  }
  if (troupe_equal(message->subject, TROUPE_TEXT("stats"))) {
    troupe_write(&text, TROUPE_TEXT("{\\"greeted\\":"));
    troupe_write_number(&text, greeted);
    troupe_write(&text, TROUPE_TEXT("}"));
    return troupe_reply(troupe_written(&text));
  }
  return troupe_refuse_unknown(message);
}

TROUPE_ACTOR(handle)
`;

const ATTEMPTS: Readonly<Record<TemplateKind, string>> = {
  actor: 'troupe ask {name} greet Ada',
  http: "curl 'http://127.0.0.1:8080/?name=Ada'",
  functions: `troupe ask {name} 'local:component/text#reverse' '["drawer"]'`,
};

function script(language: 'ts' | 'js', kind: TemplateKind): Template {
  const texts = { actor: ACTOR_SCRIPT, http: HTTP_SCRIPT, functions: FUNCTIONS_SCRIPT[language] };
  const files = kind === 'functions' ? { 'wit/world.wit': FUNCTIONS_WIT } : {};
  return { entry: `src/index.${language}`, text: texts[kind], kit: [], files, attempt: ATTEMPTS[kind] };
}

const KIT_TEMPLATES = {
  assemblyscript: { entry: 'assembly/index.ts', text: ASSEMBLYSCRIPT, kit: ['as/troupe.ts', 'as/exports.ts'] },
  rust: { entry: 'src/lib.rs', text: RUST, kit: ['rust/troupe.rs'] },
  c: { entry: 'src/actor.c', text: C, kit: ['c/troupe.h'] },
} as const;

/** The template of a language and kind; `undefined` if there is none. */
export function templateOf(language: TemplateLanguage, kind: TemplateKind): Template | undefined {
  if (language === 'ts' || language === 'js') return script(language, kind);
  return kind === 'actor' ? { ...KIT_TEMPLATES[language], files: {}, attempt: ATTEMPTS.actor } : undefined;
}
