/** Carries out one fault on one request, or none. */
import { type Answer, errorAnswer, refusedBy, throttledBy, unavailableAt } from './answers.ts';
import type { Outcome, RecordedCall } from './call-log.ts';
import type { Fault } from './faults.ts';
import type { Exchange } from './listener.ts';
import type { Parking } from './parking.ts';
import { hasCode } from './system-errors.ts';

export interface Injection {
  readonly exchange: Exchange;
  /** Its record; `outcome` and `status` are completed here. */
  readonly call: RecordedCall;
  readonly parking: Parking;
  /** Sends the request on. */
  readonly forward: () => Promise<Answer>;
}

/** @throws Error where the proxy cannot do it: the upstream fails, or there is no worker to kill */
export async function carryOut(fault: Fault | undefined, injection: Injection): Promise<void> {
  const { exchange, call, parking, forward } = injection;
  const { service, scope = '' } = call;
  const fail = (error: Parameters<typeof errorAnswer>[2]) =>
    finish(call, exchange, errorAnswer(service, exchange.request, error), 'faulted', 'dropped');
  const pass = async () => finish(call, exchange, await forward(), 'forwarded', 'lost');
  const drop = (outcome: Outcome) => {
    exchange.drop();
    call.outcome = outcome;
  };

  switch (fault?.kind) {
    case undefined:
      return pass();
    case 'throttle':
    case 'rate-limit':
      return fail(throttledBy(service));
    case 'unavailable':
      return fail(unavailableAt(service));
    case 'refuse':
      return fail(refusedBy(service));
    case 'error':
      return fail(fault);
    case 'answer-lost':
      call.status = (await forward()).status;
      return drop('lost');
    case 'kill-before':
      kill(call);
      return drop('dropped');
    case 'kill-after':
      call.status = (await forward()).status;
      kill(call);
      return drop('lost');
    case 'hang':
      await parking.park({ scope, until: exchange.over });
      return drop('dropped');
    case 'latency':
      if ((await parking.park({ scope, ms: fault.ms })) === 'ended') return drop('dropped');
      return pass();
    case 'hold':
      call.outcome = 'held';
      if ((await parking.park({ scope, name: fault.name })) === 'ended') return drop('dropped');
      call.outcome = 'pending';
      return pass();
    case 'rewrite': {
      const rewritten = rewrite(await forward(), fault);
      return finish(call, exchange, rewritten, 'forwarded', 'lost');
    }
  }
}

/** Answers, and records what that came to where the client has gone. */
function finish(
  call: RecordedCall,
  exchange: Exchange,
  answer: Answer,
  arrived: Outcome,
  otherwise: Outcome,
): void {
  call.status = answer.status;
  call.outcome = exchange.answer(answer) ? arrived : otherwise;
}

function rewrite(answer: Answer, fault: Extract<Fault, { kind: 'rewrite' }>): Answer {
  const body = Buffer.from(fault.body);
  // They describe the body that is replaced.
  const { 'x-amz-crc32': _crc32, 'content-encoding': _encoding, ...headers } = answer.headers;
  return {
    status: fault.status ?? answer.status,
    headers: { ...headers, ...fault.headers, 'content-length': body.length },
    body,
  };
}

/** Only a Lambda worker is killed: another client of the proxy might be the test itself. */
function kill({ pid, function: name, operation }: RecordedCall): void {
  if (pid === undefined || name === undefined) {
    throw new Error(
      `There is no worker to kill: ${operation} came from ${pid ?? 'a process that has ended'}.`,
    );
  }
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: it has died by itself.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
