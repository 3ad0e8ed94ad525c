/** Ids of records. */
import * as z from 'zod';

/** Ids of ours. They become parts of keys, names and links. */
export const integrationIdSchema = z.string().regex(/^int_[0-9A-Z]{26}$/);
export const addedBucketIdSchema = z.string().regex(/^drv_[0-9A-Z]{26}$/);
/** Of an integration, or of a bucket that was added to one. */
export const recordIdSchema = z.string().regex(/^(int|drv)_[0-9A-Z]{26}$/);
export const isIntegrationId = (id: string): boolean => integrationIdSchema.safeParse(id).success;
export const isRecordId = (id: string): boolean => recordIdSchema.safeParse(id).success;
