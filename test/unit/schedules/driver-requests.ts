/** What is asked to be added to an integration: `POST /integrations/{integrationId}/drivers`. */
import { projectId } from '../environment.ts';

/** A folder whose name is as long as may be: three such buckets are more than one policy takes. */
const longFolder = (letter: string) => `${letter.repeat(511)}/`;

/** By the integration's name. The third and the last four share something: a bucket, or the name of a driver. */
export const driverRequests = (name: string) =>
  [
    { bucket: { name: `dataloop-${name}-one` }, dataloop: { projectId } },
    { bucket: { name: `dataloop-${name}-two` }, dataloop: { projectId, allowDelete: true } },
    { bucket: { name: `dataloop-${name}-one` }, dataloop: { projectId, driverName: 'again' } },
    { bucket: { name: `dataloop-${name}-number-three`, prefix: longFolder('c') }, dataloop: { projectId } },
    { bucket: { name: `dataloop-${name}-number-four`, prefix: longFolder('d') }, dataloop: { projectId } },
    { bucket: { name: `dataloop-${name}-number-five`, prefix: longFolder('e') }, dataloop: { projectId } },
    { bucket: { name: `dataloop-${name}` }, dataloop: { projectId, driverName: 'own' } },
    { bucket: { name: 'dataloop-shared' }, dataloop: { projectId } },
    { bucket: { name: `dataloop-${name}-six` }, dataloop: { projectId, driverName: name } },
    { bucket: { name: `dataloop-${name}-six` }, dataloop: { projectId, driverName: `dataloop-${name}-one` } },
  ] as const;
