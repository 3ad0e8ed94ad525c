import { callsOf } from '../../src/clients/calls.ts';
import { listDrivers } from '../../src/clients/dataloop/client.ts';
import * as datasets from '../../src/clients/dataloop/datasets.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { deleteDataset } from '../../src/domain/resources/dataloop/dataset.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  listDrivers,
  listDatasets: datasets.listDatasets,
  countItems: datasets.countItems,
  deleteDataset: datasets.deleteDataset,
});

/** DeleteDataset: undoes CreateDataset, if the dataset is empty. */
export const handler = deprovisionStep('DeleteDataset', (step) => deleteDataset(step, calls));
