import { RuntimeError } from '../../errors/index.ts';
import { PartKey } from '../guest/index.ts';
import { GUEST_FIELDS_BYTES_MAX } from './limits.ts';

/** A request under way, which has to be let go of with the guest. */
export interface UnderWay {
  dispose(): void;
}

/** What one guest has of `wasi:http` at the moment. */
export class HttpUse {
  /** Requests under way, in and out. */
  readonly underWay: Set<UnderWay>;
  /** Outgoing requests among them. */
  outgoing: number;
  private fieldsBytes: number;

  constructor() {
    this.underWay = new Set();
    this.outgoing = 0;
    this.fieldsBytes = 0;
  }

  /** Counts what the guest's fields grew by, or shrank; ends a guest that has too much. */
  addFieldsBytes(bytes: number): void {
    if (this.fieldsBytes + bytes > GUEST_FIELDS_BYTES_MAX) {
      throw new RuntimeError(
        'COMPONENT_LIMIT',
        `Cannot keep more header fields for the component: it has ${this.fieldsBytes} of ${GUEST_FIELDS_BYTES_MAX} bytes`,
        { details: { limit: 'fields', limitValue: GUEST_FIELDS_BYTES_MAX } },
      );
    }
    this.fieldsBytes += bytes;
  }

  dispose(): void {
    for (const item of [...this.underWay]) item.dispose();
    this.underWay.clear();
  }
}

export const HTTP_USE = new PartKey<HttpUse>('http', { make: () => new HttpUse(), dispose: (use) => use.dispose() });
