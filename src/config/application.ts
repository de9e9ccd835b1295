import type {
  FilesystemGrant,
  Granted,
  GrantedRule,
  Grants,
  MessagingGrant,
  NetworkGrant,
  StdioGrant,
} from '../capability/index.ts';
import type { KeepOptions } from '../durable/index.ts';
import type { ComponentLimits } from '../host/index.ts';
import type { HostPattern, IngressLimits, PathPattern } from '../ingress/index.ts';
import type { StoreLimits } from '../store/index.ts';
import type { HealthConfig } from './health-section.ts';
import type { IsolationConfig } from './isolation-section.ts';
import type { RecycleConfig } from './recycle-section.ts';
import type { InjectConfig, SecretSource } from './secrets-section.ts';
import type { SubscriptionConfig } from './subscribe-section.ts';

/**
 * What `troupe.toml` and its `Component.toml`s come to: plain frozen data, every path absolute, every unit in the name,
 * every default filled in, every grant already cut down to what the component asks for.
 */

/** One application: the result of `loadApplication`. */
export interface ApplicationConfig {
  /** Absolute path of `troupe.toml`. */
  readonly file: string;
  /** Absolute path of the folder that it is in. */
  readonly directory: string;
  readonly name: string;
  /** How long what was accepted may be finished when the process is asked to end. 0: it is not. */
  readonly drainMs: number;
  /** How much of the machine the process may use. What is not written down has its default. */
  readonly node: NodeConfig;
  /** Threads for the actors of components; 0: they live on the calling thread. */
  readonly workers: number;
  /** In the order of the file. */
  readonly components: readonly ComponentConfig[];
  /** Where secrets are found, by their names: no value is in here. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly view: ViewConfig | undefined;
  readonly control: ControlConfig;
  /** `undefined`: metrics and health are shown at the control port only. */
  readonly monitoring: MonitoringConfig | undefined;
  readonly store: StoreConfig;
  /** `undefined`: nothing is put on record. */
  readonly audit: AuditConfig | undefined;
  /** `undefined`: nothing listens for requests. */
  readonly ingress: IngressConfig | undefined;
  /** Absolute paths of the policies that bound what is granted. */
  readonly policies: readonly string[];
  /** What is right but worth a line to the operator: asked and not granted, granted and not asked, granted and not allowed. */
  readonly notices: readonly ConfigNotice[];
}

/** `[application.limits]`: see `RoomLimits`. */
export interface NodeConfig {
  readonly memories?: number | undefined;
  readonly mappings?: number | undefined;
  /** Bytes. */
  readonly resident?: number | undefined;
  /** Share of all processors. */
  readonly cpu?: number | undefined;
}

/** One component and the actors that run it. */
export interface ComponentConfig {
  /** Key of its table in `troupe.toml`. */
  readonly name: string;
  /** The author's version, from `Component.toml`. */
  readonly version: string | undefined;
  /** Absolute path of the `.wasm` file. Whether it is there is found out when it is read. */
  readonly source: string;
  /** Lower-case hexadecimal digest that the file must have. */
  readonly sha256: string | undefined;
  /** Names of its actors: the component's name, or `NAME/1` … `NAME/n` when there are several. */
  readonly actors: readonly string[];
  /** Handed to `lifecycle.start` as JSON text. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What follows the program's name in a task's arguments. */
  readonly args: readonly string[];
  /** Environment of the guest: the values of `env`, and those of granted names that this process has. No secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables of the guest that are secrets, with their names. */
  readonly secretEnv: Readonly<Record<string, string>>;
  /** Headers with secrets that are added to its requests. */
  readonly inject: readonly InjectConfig[];
  readonly mailbox: MailboxConfig;
  readonly supervise: SuperviseConfig;
  /** Topics whose messages go to each of its actors, and how. */
  readonly subscribe: readonly SubscriptionConfig[];
  /** When its state is kept. `undefined`: a restart begins anew. */
  readonly keep: Required<KeepOptions> | undefined;
  /** How it is asked for its health. `undefined`: nothing is written down. */
  readonly health: HealthConfig | undefined;
  readonly limits: LimitsConfig;
  readonly isolation: IsolationConfig;
  /** Instances that are kept ready, 0 to 4,096. */
  readonly pool: number;
  /** When instances are recycled. `undefined`: never. */
  readonly recycle: RecycleConfig | undefined;
  readonly grants: GrantsConfig;
  /** What `grants` are made of. */
  readonly keys: KeysConfig;
  /** How requests get instances; only for a component that handles HTTP. `undefined`: nothing is written down. */
  readonly http: HttpConfig | undefined;
  /** Imports that other actors answer, in the order of the file. */
  readonly links: readonly LinkConfig[];
}

/** An import of a component that is bound to another component's exports. */
export interface LinkConfig {
  /** As it is written: `demo:calc/ops@1.0.0`. */
  readonly import: string;
  /** Name of the component that answers; never the component's own. */
  readonly component: string;
  /** The actors that take the calls, one after the other; at least one. */
  readonly actors: readonly string[];
  /** Milliseconds for one call. `undefined`: the default of every ask. */
  readonly timeoutMs: number | undefined;
}

export interface MailboxConfig {
  /** Messages, 1 to 1,048,576. */
  readonly capacity: number;
  readonly overflow: 'reject' | 'drop-oldest' | 'drop-newest';
}

export interface SuperviseConfig {
  /** `undefined`: by what the component is: `permanent` for actors, `transient` for tasks. */
  readonly restart: 'permanent' | 'transient' | 'temporary' | undefined;
  /** Restarts within the period before the supervisor gives up. */
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly backoffFactor: number;
  /** How long one that failed too often is held. 0: it is given up. */
  readonly quarantineMs: number;
  /** How long it may wait in one message. 0: as long as its deadline lets it. */
  readonly stuckAfterMs: number;
}

/** The smaller of what the author and the operator say. */
export interface LimitsConfig {
  /** Linear memory of one instance, all its memories together. */
  readonly memoryBytes: number;
  /** Elements of one instance, all its tables together. */
  readonly tableElements: number;
  /**
   * Wall-clock time for one message or call. `undefined`: by what the component is: the default for actors, none for
   * tasks. `Infinity`: none.
   */
  readonly deadlineMs: number | undefined;
  /** Everything else, as far as somebody says it. */
  readonly component: Partial<ComponentLimits>;
}

/** The sides of what a component is granted, rule by rule. */
export interface KeysConfig {
  /** By its author. `undefined`: nothing is said of it, so that the operator alone decides. */
  readonly asked: readonly GrantedRule[] | undefined;
  /** By `troupe.toml`. */
  readonly given: readonly GrantedRule[];
}

/** What a component may do, with every kind of grant written out. Nothing here, nothing allowed. */
export interface GrantsConfig extends Grants {
  readonly filesystem: readonly FilesystemGrant[];
  readonly clock: boolean;
  readonly random: boolean;
  readonly stdio: StdioGrant;
  /** The names in the component's `env`. */
  readonly env: readonly string[];
  readonly messaging: MessagingGrant;
  readonly http: readonly Granted[];
  readonly keyvalue: readonly Granted[];
  readonly network: NetworkGrant;
  readonly secrets: readonly string[];
}

/** An `ask` operation whose reply is text that `troupe up` shows live. */
export interface ViewConfig {
  /** Name of the actor that is asked. */
  readonly actor: string;
  readonly op: string;
  readonly everyMs: number;
}

/** Where a running application is reached. */
export type ControlConfig =
  | { readonly kind: 'off' }
  /** Folder that holds token and address: `.troupe` beside `troupe.toml`. */
  | ({ readonly kind: 'socket'; readonly directory: string; readonly socketPath: string } & ControlTokens)
  | ({ readonly kind: 'port'; readonly directory: string; readonly port: number } & ControlTokens);

interface ControlTokens {
  /** Who may use it besides this user, by the digests of their tokens. */
  readonly tokens: readonly {
    readonly name: string;
    readonly role: 'reader' | 'operator' | 'admin';
    readonly sha256: string;
  }[];
}

/** Where requests come in, and where they go. */
export interface IngressConfig {
  readonly listen: { readonly host: string; readonly port: number };
  /** In the order of the file, without conflicts. */
  readonly routes: readonly HttpRouteConfig[];
  readonly limits: IngressLimits;
}

/** Where metrics and health are shown without a token. */
export interface MonitoringConfig {
  readonly listen: { readonly host: string; readonly port: number };
}

/** One `[[http]]`. */
export interface HttpRouteConfig {
  readonly path: PathPattern;
  readonly host: HostPattern;
  /** Upper case; empty: all. */
  readonly methods: readonly string[];
  /** Name of the component; that it handles HTTP is found out when it is compiled. */
  readonly component: string;
  /** Where its component is named in `troupe.toml`; empty if that is not known. */
  readonly place: { readonly line?: number; readonly column?: number };
}

/** What is written down of `[components.NAME.http]`. */
export interface HttpConfig {
  readonly maxInvocations?: number;
  readonly instances?: number;
  readonly queue?: number;
  readonly queueTimeoutMs?: number;
}

/** Where the application keeps what lasts, and how much of it. */
export interface StoreConfig {
  /** Absolute path of the folder. */
  readonly directory: string;
  readonly limits: Required<Pick<StoreLimits, 'bytes' | 'bucketBytes' | 'bucketKeys'>>;
}

/** Where and how the audit log is kept. */
export interface AuditConfig {
  /** Absolute path of the folder. */
  readonly directory: string;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly durability: 'disk' | 'process';
  readonly ship: readonly ShipConfig[];
}

/** One place that records are sent to. */
export interface ShipConfig {
  /** `syslog:`, `syslogs:`, `http:` or `https:`. */
  readonly to: string;
  /** Absolute paths. */
  readonly authorizationFile: string | undefined;
  readonly caFile: string | undefined;
}

/** A difference between what is asked for, given, and allowed by policy. */
export interface ConfigNotice {
  /** `not-granted`: asked for, and not given. `not-asked`: given, and not asked for. `not-allowed`: given, and no policy's. */
  readonly kind: 'not-granted' | 'not-asked' | 'not-allowed';
  readonly component: string;
  readonly message: string;
  /** What to do about it, where something can be done. */
  readonly help?: string;
  /** The grant that would end it. */
  readonly line?: string;
}
