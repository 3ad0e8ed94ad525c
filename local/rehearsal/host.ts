/** The integration that drivers are added to while their steps are rehearsed: whatever fails, it has to stay as it is. */
import { resourceTypes } from '../../src/domain/model/record.ts';
import type { IntegrationAnswer } from '../observe/api-client.ts';
import type { Names, RehearsalService } from './service.ts';

export interface Host {
  readonly names: Names;
  /** As the API shows it while nothing is being added to it. */
  readonly integration: IntegrationAnswer;
  /** Policies of its role, which it shares with drivers that are added. */
  readonly policyArns: readonly string[];
  /** Paths of all that is to stay: its own, and that of a driver whose access must be told from that of others. */
  readonly paths: readonly string[];
}

/** @throws Error where the service cannot do it, although nothing is denied */
export async function makeHost(service: RehearsalService): Promise<Host> {
  const names = service.nextNames();
  const connected = ready(await service.connect(names));
  const added = ready(await service.addDriver(connected, service.nextNames()));
  const integration = await service.read(connected.links.self);
  return {
    names,
    integration,
    policyArns: integration.resources.flatMap(({ type, arn }) =>
      arn && type === resourceTypes.policy ? [arn] : [],
    ),
    paths: [connected.links.self, added.links.self],
  };
}

function ready(answer: IntegrationAnswer): IntegrationAnswer {
  const { status, error, links } = answer;
  if (status === 'ready') return answer;
  throw new Error(
    `Without any denial, ${links.self} ended as "${status}"${error ? `: ${error.title}: ${error.detail}` : ''}`,
  );
}

/** What is wrong with it after a driver has come and gone: it is to be as before, and to work. */
export async function hostProblems(
  { integration: before }: Host,
  service: Pick<RehearsalService, 'read' | 'faultsOf'>,
): Promise<string[]> {
  const path = before.links.self;
  const now = await service.read(path);
  const [was, is] = [fieldsOf(before), fieldsOf(now)];
  const problems = [...new Set([...was.keys(), ...is.keys()])]
    .filter((field) => was.get(field) !== is.get(field))
    .map((field) => `${path} says ${field} ${is.get(field)}; before it said ${was.get(field)}`);
  // What is not ready cannot be tested.
  if (now.status !== 'ready') return problems;
  const faults = await service.faultsOf(path);
  return [...problems, ...faults.map((fault) => `${path} does not work any more: ${fault}`)];
}

/** Each field as text, but for the time of the last change. */
const fieldsOf = ({ updatedAt: _changes, ...fields }: IntegrationAnswer): Map<string, string | undefined> =>
  new Map(Object.entries(fields).map(([field, value]) => [field, JSON.stringify(value)]));
