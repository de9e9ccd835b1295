/**
 * What a benchmark file is: it exports `suite`, whose `run` measures and reports rows.
 *
 * @example
 * ```ts
 * export const suite: Suite = {
 *   name: 'mailbox',
 *   async run(report) {
 *     report.row({ name: 'bare queue', unit: 'ns', samples: await measureQueue() });
 *     report.row({ name: 'mailbox', unit: 'ns', samples: await measureMailbox(), target: { fractionOf: 'bare queue', atMost: 2 } });
 *     report.notMeasured('contention: everything runs on one thread');
 *   },
 * };
 * ```
 */
export interface Suite {
  readonly name: string;
  /** Does its own warming up. Rows that are compared are measured alternately, in the same run. */
  readonly run: (report: Report) => Promise<void> | void;
}

export interface Report {
  /** Adds a row to the table. */
  row(row: Row): void;
  /** Says what the figures do not show. */
  notMeasured(what: string): void;
}

export interface Row {
  /** Unique within the suite, but for rows of others, which are compared with the one of the same name. */
  readonly name: string;
  readonly unit: 'ns' | 'µs' | 'ms' | 's' | 'bytes' | 'KiB' | 'MiB' | '%' | 'per second' | 'times';
  /** Each sample is one figure in `unit`; at least one, better nine or more. */
  readonly samples: readonly number[];
  readonly target?: Target;
  /** Who did the work, if it was not this project. */
  readonly contender?: string;
}

/**
 * What the median should be. `timesFasterThan` is the other row's median divided by this one's; `fractionOf` the reverse, as
 * are `shareOf`, for rates, and `timesAsMuchAs`, in the row of somebody else: how much more that takes than ours.
 */
export type Target =
  | { readonly timesFasterThan: string; readonly atLeast: number }
  | { readonly timesAsMuchAs: string; readonly atLeast: number }
  | { readonly fractionOf: string; readonly atMost: number }
  | { readonly shareOf: string; readonly atLeast: number }
  | { readonly atMost: number }
  | { readonly atLeast: number };
