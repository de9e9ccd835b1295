/** Cases of one topic, each the body of a component in the text format. */
export interface CaseTable {
  readonly topic: string;
  readonly valid: readonly string[];
  /** With what the message must say, so that each is refused for its own reason. */
  readonly invalid: readonly (readonly [body: string, why: RegExp])[];
  /** Refused after the specification, though wasm-tools with every proposal switched on lets them pass. */
  readonly stricter?: readonly (readonly [body: string, why: RegExp])[];
}
