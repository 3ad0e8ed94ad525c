/** Answers of AWS as facts to compare. */

/**
 * An answer without what the SDK adds to it.
 * @param none names of the errors that are an answer too, "there is none"
 * @returns the answer, or the name of such an error
 */
export async function factsOf(call: Promise<object>, none: RegExp): Promise<unknown> {
  try {
    const { $metadata: _metadata, ...rest } = { $metadata: undefined, ...(await call) };
    return rest;
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (none.test(name)) return name;
    throw error;
  }
}
