import { open, readFile, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ApplicationConfig, NEEDS_HEADER, printNeeds } from '../../config/index.ts';
import { RuntimeError } from '../../errors/index.ts';

/** Writes down which grants the components of an application used or missed. */
export class GrantRecorder {
  readonly file: string;
  readonly #config: ApplicationConfig;
  readonly #needs: Map<string, Set<string>>;

  /**
   * Makes the file, or empties the one of an earlier run.
   *
   * @throws {RuntimeError} `USAGE_INVALID` — it cannot be written, or is there and something else.
   */
  static async open(path: string, config: ApplicationConfig): Promise<GrantRecorder> {
    const file = resolve(path);
    const before = await readFile(file, 'utf8').catch(() => '');
    if (before !== '' && !before.startsWith(NEEDS_HEADER)) {
      const text = `Cannot record grants in "${path}": it is there, and no record of grants; name another file`;
      throw new RuntimeError('USAGE_INVALID', text);
    }
    const recorder = new GrantRecorder(file, config);
    await recorder.write();
    return recorder;
  }

  private constructor(file: string, config: ApplicationConfig) {
    this.file = file;
    this.#config = config;
    this.#needs = new Map(config.components.map(({ name }) => [name, new Set()]));
  }

  note(component: string, line: string): void {
    this.#needs.get(component)?.add(line);
  }

  /** Writes what is known so far, whole or not at all. */
  async write(): Promise<void> {
    const { name, directory } = this.#config;
    const draft = `${this.file}.${process.pid}`;
    try {
      // Another one of that name is somebody else's.
      await using handle = await open(draft, 'wx', 0o600);
      await handle.writeFile(printNeeds({ name, directory, needs: this.#needs }));
      await rename(draft, this.file);
    } catch (cause) {
      await rm(draft, { force: true });
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RuntimeError('USAGE_INVALID', `Cannot record grants in "${this.file}": ${reason}`, { cause });
    }
  }
}
