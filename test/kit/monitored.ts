import { withApplicationFolder } from './application.ts';

/** An application that shows its metrics, with and without a token, and what is to be known of it. */
export const MONITORED = {
  fixtures: ['echo', 'http/hello'],
  toml: `workers = 1
[monitoring]
listen = "127.0.0.1:0"
[control]
port = 0
[audit]
durability = "process"
[ingress]
listen = "127.0.0.1:0"
[components.echo]
source = "./echo.wasm"
supervise = { intensity = 1000, backoff = { min = "0ms", max = "0ms" } }
limits = { memory = "1MiB" }
[components.echo.grants]
messaging = { tell = ["nobody"] }
[components.hello]
source = "./hello.wasm"
[[http]]
route = "/*"
component = "hello"
`,
} as const;

export interface Monitored {
  readonly folder: string;
  /** Addresses: of metrics and health, of the control port, of requests. */
  readonly monitoring: string;
  readonly control: string;
  readonly ingress: string;
  call(...args: string[]): Promise<string>;
  /** Ends it as Ctrl-C does. */
  interrupt(): Promise<unknown>;
}

/** Runs it. */
export async function withMonitored(use: (application: Monitored) => Promise<void>): Promise<void> {
  await withApplicationFolder(MONITORED, async ({ folder, up, call }) => {
    const { child, ended, stdout } = await up('--output', 'json');
    const running = stdout()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
      .find(({ type }) => type === 'running');
    const { monitoring, control, application } = running;
    const interrupt = (): Promise<unknown> => {
      child.kill('SIGINT');
      return ended;
    };
    await use({ folder, monitoring, control, ingress: application.ingress.address, call, interrupt });
  });
}
