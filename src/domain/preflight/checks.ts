/** Blocking issues of a request, and warnings: all at once, each with what to do. */
import type { Bound } from '../../deadline.ts';
import { errorKinds, problemType, ServiceError } from '../../errors.ts';
import type { FindingView } from '../api/responses.ts';

/** What a finding is about, as far as it has a name or an ARN. */
export interface Subject {
  readonly type: string;
  readonly arn?: string;
  readonly id?: string;
  readonly name?: string;
}

export interface Finding {
  /**
   * `error`: the request would fail; `warning`: it may, or it has a consequence that people should know; `unknown`:
   * a necessary check could not be made.
   */
  readonly severity: 'error' | 'warning' | 'unknown';
  readonly error: ServiceError;
  readonly subject: Subject;
  /** Field of the request that can be changed, as a JSON pointer. */
  readonly pointer?: string | undefined;
}

export interface Check {
  readonly subject: Subject;
  readonly pointer?: string;
  /** The severity if the check itself cannot be made; a transient failure is then `unknown`, not `error`. */
  readonly failure: 'error' | 'warning';
  /** A transient failure is `unknown` here, too: nothing may be written before this is known. */
  readonly mustBeKnown?: boolean;
  /** Made before the others by a step. */
  readonly isFirst?: true;
  run(): Promise<readonly Finding[]>;
}

/** Makes all checks at once and waits for all of them: nothing is under way when it returns. */
export async function findingsOf(
  checks: readonly Check[],
  bound: Bound = (_what, work) => work,
): Promise<Finding[]> {
  const found = await Promise.all(
    checks.map(async (check) => {
      try {
        return await bound(nameOf(check.subject), check.run());
      } catch (error) {
        // Anything else is our own mistake, about which the caller can do nothing.
        if (!(error instanceof ServiceError)) throw error;
        return [notMade(check, error)];
      }
    }),
  );
  return found.flat();
}

function notMade({ subject, pointer, failure, mustBeKnown }: Check, error: ServiceError): Finding {
  const isNeeded = failure === 'error' || mustBeKnown === true;
  const severity = isNeeded && error.retryable ? 'unknown' : failure;
  return { severity, error, subject, pointer };
}

const nameOf = ({ type, arn, id, name }: Subject): string => `${type} ${arn ?? id ?? name ?? ''}`.trim();

/** A finding as the API shows it. */
export function findingView({ severity, error, subject, pointer }: Finding): FindingView {
  return {
    severity,
    type: problemType(error.name),
    title: errorKinds[error.name].title,
    resource: subject,
    ...(pointer === undefined ? {} : { pointer }),
    detail: error.messageOnce,
  };
}

/**
 * All blocking issues as one error: with the name of the first one that does not pass by itself, and all of them in the
 * message.
 */
export function asOneError(findings: readonly Finding[]): ServiceError | undefined {
  const lasting = findings.filter(({ severity }) => severity === 'error');
  const passing = findings.filter(({ severity }) => severity === 'unknown');
  const [first, ...others] = [...lasting, ...passing].map(({ error }) => error);
  if (!first || others.length === 0) return first;
  const list = [first, ...others].map(({ message }, index) => `${index + 1}. ${message}`).join(' ');
  return new ServiceError(first.name, `${others.length + 1} blocking issues: ${list}`, {
    cause: first,
  });
}

/** A read that several checks need, made once. */
export function once<T>(read: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= read();
    return made;
  };
}
