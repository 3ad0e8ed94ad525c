/** The integration to which drivers are added in rehearsals of their steps. Whatever fails, it must stay unchanged. */
import { resourceTypes } from '../../src/domain/model/resource-keys.ts';
import type { IntegrationAnswer } from '../observe/api-client.ts';
import type { Names, RehearsalService } from './service.ts';

export interface Host {
  readonly names: Names;
  /** As the API shows it between two rehearsals. */
  readonly integration: IntegrationAnswer;
  /** Policies of its role, which it shares with drivers that are added. */
  readonly policyArns: readonly string[];
  /** Paths of everything that must stay: its own, and that of a driver whose access must not be mixed up with others'. */
  readonly paths: readonly string[];
}

/** @throws Error if the service fails with nothing denied */
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
    `With nothing denied, ${links.self} ended as "${status}"${error ? `: ${error.title}: ${error.detail}` : ''}`,
  );
}

/** Problems after a driver was added and removed: the integration must be as before, and work. */
export async function hostProblems(
  { integration: before }: Host,
  service: Pick<RehearsalService, 'read' | 'faultsOf'>,
): Promise<string[]> {
  const path = before.links.self;
  const now = await service.read(path);
  const [was, is] = [fieldsOf(before), fieldsOf(now)];
  const problems = [...new Set([...was.keys(), ...is.keys()])]
    .filter((field) => was.get(field) !== is.get(field))
    .map(
      (field) =>
        `${path}: ${field} is ${is.get(field) ?? 'missing'}; before, it was ${was.get(field) ?? 'missing'}`,
    );
  // Only a ready integration can be tested.
  if (now.status !== 'ready') return problems;
  const faults = await service.faultsOf(path);
  return [...problems, ...faults.map((fault) => `${path} no longer works: ${fault}`)];
}

/** Each field as text, except the time of the last change. */
const fieldsOf = ({ updatedAt: _changes, ...fields }: IntegrationAnswer): Map<string, string | undefined> =>
  new Map(Object.entries(fields).map(([field, value]) => [field, JSON.stringify(value)]));
