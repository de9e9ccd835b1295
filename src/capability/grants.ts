/** What may be done with the files of a granted folder. */
export type FilesystemRight = 'read' | 'write' | 'list' | 'delete';

/** One folder of this machine that a guest may see. */
export interface FilesystemGrant {
  /** Folder of this machine. */
  readonly hostPath: string;
  /** Where the guest sees it. */
  readonly guestPath: string;
  readonly rights: readonly FilesystemRight[];
  /**
   * Patterns of paths in it, such as `*.csv` or `2026/**`: what does not match all of them is not there. Only with the rights to
   * read and to list: who may rename could make anything match. Default: the whole folder.
   */
  readonly only?: readonly string[];
}

/** Which of the three standard streams are connected. */
export interface StdioGrant {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** A pattern that grants only under conditions; each that is absent is none. */
export interface Conditional {
  readonly pattern: string;
  /** When it ends, in milliseconds since 1970. */
  readonly untilMs?: number;
  /** Of `http`: in upper case. */
  readonly methods?: readonly string[];
  /** Of `messaging`: the largest payload. */
  readonly sizeBytes?: number;
}

/** One grant in a list of patterns. */
export type Granted = string | Conditional;

/** Whom a component may address. */
export interface MessagingGrant<Pattern = Granted> {
  /** Patterns of actor names: a name, `NAME/*` for the numbered actors of one component, or `*` for all. */
  readonly tell?: readonly Pattern[] | undefined;
  /** As `tell`. */
  readonly ask?: readonly Pattern[] | undefined;
  /** Topic patterns: tokens separated by `.`; `*` is one token, `>` as the last one is one or more. */
  readonly publish?: readonly Pattern[] | undefined;
  /** As `publish`. */
  readonly subscribe?: readonly Pattern[] | undefined;
}

/** What a component may do with the network below HTTP. */
export interface NetworkGrant<Pattern = Granted> {
  /** Where it may connect and send datagrams: `tcp://db.example:5432`, `udp://10.0.0.0/8:*`. */
  readonly connect?: readonly Pattern[] | undefined;
  /** Where it may listen: `tcp://127.0.0.1:8080`; `*` is every address of this machine, or every port. */
  readonly listen?: readonly Pattern[] | undefined;
  /** Names that it may look up besides those that it may connect to: `db.example`, `*.example.com`, `*`. */
  readonly resolve?: readonly Pattern[] | undefined;
}

/** What is refused whatever is granted: a pattern here beats every grant. */
export interface Denies {
  /** Whose word it is, as decisions name it: `policy.toml`. Default: whoever wrote the grants. */
  readonly origin?: string;
  readonly messaging?: MessagingGrant<string> | undefined;
  /** As of grants; but `*` is every host, whatever its address. */
  readonly http?: readonly string[] | undefined;
  readonly network?: NetworkGrant<string> | undefined;
  readonly keyvalue?: readonly string[] | undefined;
}

/** What a component may do. What is absent is denied. */
export interface Grants {
  readonly filesystem?: readonly FilesystemGrant[] | undefined;
  readonly clock?: boolean | undefined;
  readonly random?: boolean | undefined;
  readonly stdio?: StdioGrant | undefined;
  /** Names of environment variables. */
  readonly env?: readonly string[] | undefined;
  readonly messaging?: MessagingGrant | undefined;
  /** Where its HTTP requests may go: `https://api.example.com`, `http://*.internal:8080`. */
  readonly http?: readonly Granted[] | undefined;
  readonly network?: NetworkGrant | undefined;
  /** Buckets of the application's key-value store: `sessions`, `team-*`, or `*` for all. */
  readonly keyvalue?: readonly Granted[] | undefined;
  /** Names of secrets that are used for it, or that it is handed. */
  readonly secrets?: readonly string[] | undefined;
  /** What of it is taken away again. */
  readonly deny?: readonly Denies[] | undefined;
  /** What is let through although it is not granted, and told as what would be denied: to find out what is needed. */
  readonly observe?: Grants | undefined;
}

/** The grants of one who gets nothing. */
export const NO_GRANTS: Grants = Object.freeze({});
