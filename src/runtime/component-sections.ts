import { type ComponentConfig, configError } from '../config/index.ts';
import type { ComponentShape } from '../host/index.ts';

/**
 * Checks that what is said of a component in `troupe.toml` fits what it exports.
 *
 * @throws {RuntimeError} `CONFIG_INVALID` — with every mistake.
 */
export function checkSections(
  { file, config }: { file: string; config: ComponentConfig },
  shape: ComponentShape,
): void {
  const { name, subscribe, keep, health, pool, recycle } = config;
  const { kind, lifecycle } = shape;
  const keeps = kind === 'message' && lifecycle.snapshot !== undefined && lifecycle.restore !== undefined;
  const hasHealth = (kind === 'message' || kind === 'functions') && lifecycle.health !== undefined;
  const unfit = {
    subscribe: subscribe.length > 0 && kind !== 'message' && 'troupe:actor/handler, which takes topics',
    keep: keep !== undefined && !keeps && 'snapshot and restore of troupe:actor/lifecycle beside troupe:actor/handler',
    recycle: recycle !== undefined && kind !== 'message' && kind !== 'functions' && 'what takes messages, or functions',
    pool: pool > 0 && kind === 'http' && 'what takes messages, or functions, or a task',
    health: health !== undefined && !hasHealth && 'health of troupe:actor/lifecycle beside what takes messages',
  };
  const problems = Object.entries(unfit).flatMap(([key, needed]) =>
    needed === false
      ? []
      : [
          {
            file,
            key: `components.${name}.${key}`,
            message: `stands at a component that does not export ${needed}`,
            help: 'take it out',
          },
        ],
  );
  if (problems.length > 0) throw configError(`Cannot use "${file}"`, problems);
}
