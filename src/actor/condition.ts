/** How an actor that is not well says that it is. */
export interface Condition {
  /** `degraded`: it works, but somebody should look. `unhealthy`: it does not work. */
  readonly status: 'degraded' | 'unhealthy';
  /** Its own words; of a component, those of a guest. */
  readonly text: string;
  /** Since when it says so, in milliseconds of the system's clock. */
  readonly sinceMs: number;
}
