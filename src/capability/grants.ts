/** What may be done with the files of a granted folder. */
export type FilesystemRight = 'read' | 'write' | 'list' | 'delete';

/** One folder of this machine that a guest may see. */
export interface FilesystemGrant {
  /** Folder of this machine. */
  readonly hostPath: string;
  /** Where the guest sees it. */
  readonly guestPath: string;
  readonly rights: readonly FilesystemRight[];
}

/** Which of the three standard streams are connected. */
export interface StdioGrant {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Whom a component may address. */
export interface MessagingGrant {
  /** Patterns of actor names: a name, `NAME/*` for the numbered actors of one component, or `*` for all. */
  readonly tell?: readonly string[];
  /** As `tell`. */
  readonly ask?: readonly string[];
  /** Topic patterns: tokens separated by `.`; `*` is one token, `>` as the last one is one or more. */
  readonly publish?: readonly string[];
  /** As `publish`. */
  readonly subscribe?: readonly string[];
}

/** What a component may do with the network below HTTP. */
export interface NetworkGrant {
  /** Where it may connect and send datagrams: `tcp://db.example:5432`, `udp://10.0.0.0/8:*`. */
  readonly connect?: readonly string[];
  /** Where it may listen: `tcp://127.0.0.1:8080`; `*` is every address of this machine, or every port. */
  readonly listen?: readonly string[];
  /** Names that it may look up besides those that it may connect to: `db.example`, `*.example.com`, `*`. */
  readonly resolve?: readonly string[];
}

/** What a component may do. What is absent is denied. */
export interface Grants {
  readonly filesystem?: readonly FilesystemGrant[];
  readonly clock?: boolean;
  readonly random?: boolean;
  readonly stdio?: StdioGrant;
  /** Names of environment variables. */
  readonly env?: readonly string[];
  readonly messaging?: MessagingGrant;
  /** Where its HTTP requests may go: `https://api.example.com`, `http://*.internal:8080`. */
  readonly http?: readonly string[];
  readonly network?: NetworkGrant;
  /** Buckets of the application's key-value store: `sessions`, `team-*`, or `*` for all. */
  readonly keyvalue?: readonly string[];
}

/** The grants of one who gets nothing. */
export const NO_GRANTS: Grants = Object.freeze({});
