import { callsOf } from '../../src/clients/calls.ts';
import { listDrivers } from '../../src/clients/dataloop/client.ts';
import * as datasets from '../../src/clients/dataloop/datasets.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { createDataset } from '../../src/domain/resources/dataloop/dataset.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  listDrivers,
  listDatasets: datasets.listDatasets,
  createDataset: datasets.createDataset,
});

/** CreateDataset: the dataset of the request, on the driver. */
export const handler = provisionStep('CreateDataset', (step) => createDataset(step, calls));
