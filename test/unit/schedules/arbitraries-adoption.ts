/** How fast-check makes what a schedule adopts, and what owners and operators do. */
import fc from 'fast-check';
import type { Adoption } from './adoption.ts';
import { type Command, ownersActs } from './schedule.ts';

export const adoption: fc.Arbitrary<Adoption> = fc
  .record({
    bucket: fc.constantFrom('adopt-and-close' as const, 'adopt' as const, 'create' as const),
    cors: fc.constantFrom(true, true, false),
    role: fc.constantFrom('adopt' as const, 'adopt' as const, 'create' as const),
    integration: fc.constantFrom('create' as const, 'waiting' as const, 'operator' as const),
    publicAccess: fc.constantFrom('half' as const, 'none' as const, 'closed' as const),
    rules: fc.constantFrom('none' as const, 'theirs' as const, 'theirs' as const, 'allowing' as const),
    statement: fc.constantFrom('one' as const, 'list' as const),
    operatorSays: fc.oneof(
      { weight: 3, arbitrary: fc.constant('right' as const) },
      fc.constantFrom('another user' as const, 'a forged user' as const, 'another integration' as const),
    ),
    operatorDelayMs: fc.constantFrom(1_000, 1_000, 20_000, 200_000, undefined),
  })
  // A bucket that is open is refused before anything is made, unless it is to be closed.
  .map((made) => (made.bucket === 'adopt' ? { ...made, publicAccess: 'closed' as const } : made));

/** What only those do who have something that is adopted. */
export const adoptersCommand = (
  afterMs: fc.Arbitrary<number>,
  integration: fc.Arbitrary<number>,
): fc.Arbitrary<Command> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('owner' as const),
        afterMs,
        does: fc.constantFrom(...ownersActs),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('operator' as const),
        afterMs,
        integration,
        says: fc.constantFrom('right', 'another user', 'a forged user', 'another integration'),
      }),
    },
  );
