/**
 * The fault proxy: a reverse proxy between the deployed functions and what they call, the emulated AWS and the
 * Dataloop sandbox. It fails, delays, loses or holds chosen calls of one test case and leaves the others alone.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Certificate } from '../../../local/environment/certificate.ts';
import type { ControlAddress } from '../../../local/sandbox/control-access.ts';
import { Attribution, integrationIdSchema } from './attribution.ts';
import { CallLog, type RecordedCall } from './call-log.ts';
import { type HttpRequest, type Identify, identifyAwsCall, identifyDataloopCall } from './calls.ts';
import { type ControlServer, startControl } from './control.ts';
import type { Failure, FaultControl } from './fault-control.ts';
import { type Fault, type RuleInput, ruleSchema, scopeSchema } from './faults.ts';
import { carryOut } from './injection.ts';
import { type Exchange, Listener } from './listener.ts';
import { Parking } from './parking.ts';
import { Rules } from './rules.ts';
import { Upstream } from './upstream.ts';
import { Workers } from './workers.ts';

export interface ProxiedService {
  /** Port on 127.0.0.1; 0: any that is free. */
  readonly listenPort: number;
  /** It need not run yet: the first request connects. */
  readonly targetUrl: string;
}

export interface FaultProxyOptions {
  /** For the listeners, and trusted where a target speaks TLS. */
  readonly certificate: Certificate;
  readonly emulator: ProxiedService;
  readonly sandbox: ProxiedService;
  /** Port of the control server; any that is free by default. */
  readonly controlPort?: number;
  readonly usual?: Usual;
}

/** What every call meets where no rule means it. */
export interface Usual {
  meet(
    call: RecordedCall,
    request: HttpRequest,
  ): {
    /** How long it takes before anything else. */
    readonly milliseconds: number;
    readonly fault: Fault | undefined;
    /** Called when it is over, with the answer of AWS or Dataloop, if it was asked. */
    answered(body: Buffer | undefined): void;
  };
}

interface Scope {
  readonly log: CallLog;
  readonly rules: Rules;
}

const callsKept = 5_000;
const unattributedCallsKept = 500;

export class FaultProxy implements FaultControl, ControlAddress {
  readonly #scopes = new Map<string, Scope>();
  readonly #unattributed = new CallLog(unattributedCallsKept);
  readonly #attribution = new Attribution();
  readonly #workers = new Workers();
  readonly #parking = new Parking();
  readonly #failures: Failure[] = [];
  readonly #listeners: Listener[] = [];
  readonly #upstreams: Upstream[] = [];
  #control: ControlServer | undefined;
  readonly #usual: Usual | undefined;
  #sequence = 0;
  #closing = false;

  private constructor(usual: Usual | undefined) {
    this.#usual = usual;
  }

  /** Listens on all ports. Connects to nothing. */
  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const { certificate, emulator, sandbox, controlPort = 0 } = options;
    const [cert, key] = await Promise.all([readFile(certificate.certFile), readFile(certificate.keyFile)]);
    const proxy = new FaultProxy(options.usual);
    try {
      await proxy.#listen(emulator, { cert, key }, identifyAwsCall);
      await proxy.#listen(sandbox, { cert, key }, identifyDataloopCall);
      proxy.#control = await startControl(proxy, controlPort);
    } catch (error) {
      await proxy.stop();
      throw error;
    }
    return proxy;
  }

  async #listen(
    { listenPort, targetUrl }: ProxiedService,
    tls: { cert: Buffer; key: Buffer },
    identify: Identify,
  ): Promise<void> {
    const upstream = new Upstream(targetUrl, tls.cert);
    this.#upstreams.push(upstream);
    const serve = (exchange: Exchange) => void this.#serve(exchange, upstream, identify);
    this.#listeners.push(await Listener.start(listenPort, tls, serve));
  }

  get emulatorPort(): number {
    return this.#portOf(0);
  }

  get sandboxPort(): number {
    return this.#portOf(1);
  }

  get controlUrl(): string {
    return this.#controlAddress().controlUrl;
  }

  get controlToken(): string {
    return this.#controlAddress().controlToken;
  }

  #controlAddress(): ControlAddress {
    if (!this.#control) throw new Error('The fault proxy is stopped.');
    return this.#control;
  }

  #portOf(index: number): number {
    const listener = this.#listeners[index];
    if (!listener) throw new Error('The fault proxy is stopped.');
    return listener.port;
  }

  /** Never rejects: whatever goes wrong here is a failure of the proxy, and says so. */
  async #serve(exchange: Exchange, upstream: Upstream, identify: Identify): Promise<void> {
    let call: RecordedCall | undefined;
    try {
      const { entry, scope } = this.#record(exchange, identify);
      call = entry;
      const met = scope?.rules.meet(entry, scope.log, Date.now());
      if (met) entry.fault = met.id;
      const usual = met ? undefined : this.#usual?.meet(entry, exchange.request);
      if (usual) await this.#parking.park({ scope: entry.scope ?? '', ms: usual.milliseconds });
      let body: Buffer | undefined;
      await carryOut(met?.fault ?? usual?.fault, {
        exchange,
        call: entry,
        parking: this.#parking,
        forward: async () => {
          const answer = await upstream.forward(exchange.request);
          if (entry.scope !== undefined) this.#attribution.learn(entry.scope, entry.operation, answer.body);
          body = answer.body;
          return answer;
        },
      });
      usual?.answered(body);
    } catch (error) {
      if (this.#closing) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#fail(message, call?.operation);
      if (call) call.outcome = 'failed';
      exchange.answer({
        status: 502,
        headers: { 'content-type': 'text/plain' },
        body: Buffer.from(`The fault proxy failed: ${message}\n`),
      });
    }
  }

  #record(exchange: Exchange, identify: Identify): { entry: RecordedCall; scope: Scope | undefined } {
    const { request, connection } = exchange;
    const worker = this.#workers.of(connection, request.headers);
    // Only a worker works for one case at a time.
    const workerPid = worker?.function === undefined ? undefined : worker.pid;
    const attributed = this.#attribution.attribute(request, workerPid);
    const scope = attributed && this.#scopes.get(attributed.scope);
    this.#sequence += 1;
    const entry = (scope?.log ?? this.#unattributed).add({
      sequence: this.#sequence,
      time: new Date().toISOString(),
      scope: attributed?.scope,
      attributedBy: attributed?.by,
      function: worker?.function,
      pid: worker?.pid,
      ...identify(request),
    });
    return { entry, scope };
  }

  #fail(message: string, operation?: string): void {
    this.#failures.push({ time: new Date().toISOString(), operation, message });
  }

  #opened(scope: string): Scope {
    const found = this.#scopes.get(scope);
    if (!found) throw new Error(`The scope ${scope} is not open.`);
    return found;
  }

  async open(scope: string): Promise<void> {
    scopeSchema.parse(scope);
    if (this.#scopes.has(scope)) throw new Error(`The scope ${scope} is open already.`);
    this.#scopes.set(scope, { log: new CallLog(callsKept), rules: new Rules() });
    this.#attribution.open(scope);
  }

  async close(scope: string): Promise<void> {
    this.#opened(scope);
    this.#scopes.delete(scope);
    this.#attribution.close(scope);
    this.#parking.end(scope);
  }

  async registerIntegration(scope: string, integrationId: string): Promise<void> {
    this.#opened(scope);
    this.#attribution.registerIntegration(scope, integrationIdSchema.parse(integrationId));
  }

  async addRule(input: RuleInput): Promise<string> {
    const rule = ruleSchema.parse(input);
    const id = rule.id ?? randomUUID();
    this.#opened(rule.scope).rules.add(id, rule, this.#sequence);
    return id;
  }

  async clearRules(scope: string): Promise<void> {
    this.#opened(scope).rules.clear();
  }

  async calls(scope?: string): Promise<RecordedCall[]> {
    const log = scope === undefined ? this.#unattributed : this.#opened(scope).log;
    return log.calls.map((call) => ({ ...call }));
  }

  async release(name: string): Promise<number> {
    return this.#parking.release(name);
  }

  async held(): Promise<string[]> {
    return this.#parking.names();
  }

  async failures(): Promise<Failure[]> {
    return [...this.#failures];
  }

  /** Ends everything at once: connections, waits, the control server. */
  async stop(): Promise<void> {
    this.#closing = true;
    this.#parking.end();
    for (const upstream of this.#upstreams.splice(0)) upstream.close();
    const parts = [...this.#listeners.splice(0), ...(this.#control ? [this.#control] : [])];
    this.#control = undefined;
    await Promise.all(parts.map((part) => part.close()));
  }
}
