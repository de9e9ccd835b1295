import { z } from 'zod';
import { POLICY_SCHEMA } from './policy-section.ts';
import { APPLICATION_SCHEMA, MANIFEST_SCHEMA } from './schemas.ts';

/** A JSON Schema (draft 2020-12) as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The published schemas by file name, made from what `loadApplication` checks with. Rules across fields are not in
 * them: an editor finds less than a load does, never more.
 */
export function publishedSchemas(): Readonly<
  Record<'troupe.schema.json' | 'component.schema.json' | 'policy.schema.json', JsonSchema>
> {
  return {
    'troupe.schema.json': z.toJSONSchema(APPLICATION_SCHEMA, { io: 'input' }) as JsonSchema,
    'policy.schema.json': z.toJSONSchema(POLICY_SCHEMA, { io: 'input' }) as JsonSchema,
    'component.schema.json': z.toJSONSchema(MANIFEST_SCHEMA, { io: 'input' }) as JsonSchema,
  };
}
