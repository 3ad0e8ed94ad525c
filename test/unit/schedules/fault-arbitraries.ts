/** How fast-check says where a fault strikes, and what it is. */
import fc from 'fast-check';

/** A call of one of these functions, each met about as often: they come with about how many calls each makes. */
export const callOf = (functionCalls: Readonly<Record<string, number>>) =>
  fc.oneof(
    ...Object.entries(functionCalls).map(([functionName, calls]) => ({
      weight: calls,
      arbitrary: fc.record({
        functionName: fc.constant(functionName),
        call: fc.integer({ min: 0, max: calls }),
        of: fc.constant('calls' as const),
      }),
    })),
  );

export const faultKinds = {
  kind: fc.constantFrom(
    ...([
      'none',
      'unavailable',
      'refused',
      'conflict',
      'lost',
      'repeated',
      'slow',
      'crash',
      'crash-and-effect',
      'hang',
      'hang-and-effect',
    ] as const),
  ),
  delayMs: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 40_000 })),
};

/** What somebody does to an integration while a call is under way for it. */
export const meanwhile = fc.oneof(
  { weight: 3, arbitrary: fc.constant('nothing' as const) },
  fc.constantFrom('stop' as const, 'delete' as const),
);
