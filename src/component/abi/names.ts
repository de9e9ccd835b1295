/**
 * Turns a WIT label into the name of a JavaScript property: `'get-HTTP-status'` becomes `'getHttpStatus'`. Words are
 * divided by hyphens; an acronym counts as a word.
 */
export function toCamelCase(label: string): string {
  return label
    .split('-')
    .map((word, at) => {
      const lower = word.toLowerCase();
      return at === 0 ? lower : lower.charAt(0).toUpperCase() + lower.slice(1);
    })
    .join('');
}

/**
 * Gives the property names of the labels of one record or flags type. Where two labels would share one (`'a-1b'` and
 * `'a1b'`), each of them keeps its label.
 */
export function propertyNames(labels: readonly string[]): readonly string[] {
  const count = new Map<string, number>();
  for (const label of labels) {
    const name = toCamelCase(label);
    count.set(name, (count.get(name) ?? 0) + 1);
  }
  return labels.map((label) => {
    const name = toCamelCase(label);
    return count.get(name) === 1 ? name : label;
  });
}

/** Tells whether every object has this property: `constructor`, `toString`. None of these is part of a value by that. */
export function isInherited(property: string): boolean {
  return property in Object.prototype;
}

/** Reads a record's field or a flag. */
export function propertyOf(value: object, property: string): unknown {
  if (isInherited(property) && !Object.hasOwn(value, property)) return undefined;
  return (value as Record<string, unknown>)[property];
}
