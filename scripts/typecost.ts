/**
 * `npm run typecost`: what the types of actors cost those who check them. Writes a program of 100 protocols with 20
 * operations each, their implementations and one use of every operation, has the type checker count its instantiations,
 * and takes off those of the same program without actors. Fails beyond the limit.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = dirname(import.meta.dirname);
const ACTORS = 100;
/** 20 operations, as applications mix them. */
const OPERATIONS = { tell: 9, ask: 8, stream: 1, event: 2 } as const;
/** Instantiations: at some 2 million a second, an editor answers at once. */
const LIMIT = 300_000;

const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

function actorSource(nr: number): string {
  const { tell, ask, stream, event } = OPERATIONS;
  const payload = (i: number): string => `{ readonly id: string; readonly n${nr}_${i}: number }`;
  return `
const P${nr} = protocol('cost:actor-${nr}@1.0.0', {
  tell: { ${each(tell, (i) => `t${i}: type<${payload(i)}>(),`)} },
  ask: { ${each(ask, (i) => `a${i}: { in: type<${payload(i)}>(), out: type<number>() },`)} },
  stream: { ${each(stream, (i) => `s${i}: { in: type<${payload(i)}>(), out: type<string>() },`)} },
  event: { ${each(event, (i) => `e${i}: type<${payload(i)}>(),`)} },
});
const actor${nr} = implement(P${nr}, {
  init: () => ({ n: 0 }),
  tell: { ${each(tell, (i) => `t${i}: (ctx, { n${nr}_${i} }) => { ctx.state.n += n${nr}_${i}; },`)} },
  ask: { ${each(ask, (i) => `a${i}: (ctx, { n${nr}_${i} }) => ctx.state.n + n${nr}_${i},`)} },
  stream: { ${each(stream, (i) => `s${i}: (_, { id }) => [id],`)} },
});
export async function use${nr}(system: ActorSystem): Promise<number> {
  const ref = system.spawn(actor${nr});
  ${each(tell, (i) => `ref.tell.t${i}({ id: '', n${nr}_${i}: 1 });`)}
  ${each(stream, (i) => `for await (const text of ref.stream.s${i}({ id: '', n${nr}_${i}: 1 })) text.length;`)}
  ${each(event, (i) => `for await (const { n${nr}_${i} } of ref.on.e${i}()) n${nr}_${i}.toFixed();`)}
  return ${Array.from({ length: ask }, (_, i) => `(await ref.ask.a${i}({ id: '', n${nr}_${i}: 1 }))`).join(' + ')};
}`;
}

function instantiations(folder: string, actors: number): number {
  const imports = `import { type ActorSystem, implement, protocol, type } from '../../src/index.ts';`;
  // What is imported is used, with actors and without.
  const always = 'export const used = [implement, protocol, type] as const;\nexport type Used = ActorSystem;';
  const file = join(folder, `actors-${actors}.ts`);
  writeFileSync(file, [imports, always, each(actors, actorSource)].join('\n'));
  const config = join(folder, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      // Declarations that the sources need and do not import.
      include: [join(ROOT, 'src', '**', '*.d.ts')],
      files: [file],
    }),
  );
  const args = ['-p', config, '--extendedDiagnostics', '--singleThreaded'];
  const { stdout, stderr } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const count = /^Instantiations:\s*(\d+)/m.exec(stdout)?.[1];
  if (count === undefined || /error TS/.test(stdout)) {
    throw new Error(`The generated program does not check:\n${stdout.slice(0, 2_000)}${stderr}`);
  }
  return Number(count);
}

// Within the project, so that its packages are found.
mkdirSync(join(ROOT, '.troupe'), { recursive: true });
const folder = mkdtempSync(join(ROOT, '.troupe', 'typecost-'));
try {
  const cost = instantiations(folder, ACTORS) - instantiations(folder, 0);
  const figures = `${cost.toLocaleString('en')} instantiations (limit ${LIMIT.toLocaleString('en')})`;
  console.log(`${ACTORS} actors with 20 operations each, without Zod: ${figures}`);
  if (cost > LIMIT) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
