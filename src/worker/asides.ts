import type { Aside, Control } from './control.ts';

/** What is said beside messages on one link, by topic. */
export class Asides {
  readonly #asides: Readonly<Record<string, Aside>>;

  constructor(asides: Readonly<Record<string, Aside>>, say: (control: Control) => void) {
    this.#asides = asides;
    for (const [topic, aside] of Object.entries(asides)) {
      aside.say = (data: unknown) => say({ kind: 'other', topic, data });
    }
  }

  hear({ topic, data }: Extract<Control, { kind: 'other' }>): void {
    if (Object.hasOwn(this.#asides, topic)) this.#asides[topic]?.hear(data);
  }

  /** Has everybody say what they would say later. */
  settle(): void {
    for (const aside of Object.values(this.#asides)) aside.settle?.();
  }
}
