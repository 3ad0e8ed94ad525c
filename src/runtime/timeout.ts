/**
 * For middy: a function that runs too long is ended by Lambda, not by middy shortly before. Lambda ends it with its
 * environment, and says `Sandbox.Timedout`, which the state machines try again; an answer before that would leave
 * work under way in an environment that goes on with the next call.
 */
export const endedByLambda = { timeoutEarlyInMillis: 0 } as const;
