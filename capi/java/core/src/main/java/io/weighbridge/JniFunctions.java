// SPDX-License-Identifier: Apache-2.0
// Written by capi/java/jni/generate.py from include/weighbridge/c; do not edit.
package io.weighbridge;

/** Calls through JNI; capi/java/jni/functions.inc has the other side. */
abstract class JniFunctions implements Functions {
    @Override
    public native int abiMinor();
    @Override
    public native int abiVersion();
    @Override
    public native long backendName(int backend);
    @Override
    public native int batchCheck(long batch, long row, long err);
    @Override
    public native int batchCopy(long out, long batch, long err);
    @Override
    public native int batchCreate(long out, long schema, long err);
    @Override
    public native void batchFree(long batch);
    @Override
    public native int batchReset(long batch, long rows, long err);
    @Override
    public native int batchSetArrowRows(long batch, long type, long array, long err);
    @Override
    public native int batchSetColumnAs(long batch, int feature, int elementType, long data, long stride, long validity,
            long validityOffset, long err);
    @Override
    public native int batchSetOutput(long batch, int index, long data, long stride, long err);
    @Override
    public native int batchSetResult(long batch, int column, long data, long stride, long err);
    @Override
    public native int batchSetRows(long batch, long rows, long stride, long err);
    @Override
    public native int batchSetWindow(long batch, long first, long rows, long err);
    @Override
    public native int bundleCompile(long out, long engine, long path, long precisions, int dumpPasses, long options,
            long err);
    @Override
    public native int bundleInspect(long out, long path, long err);
    @Override
    public native int bundleInspectSource(long out, long source, long err);
    @Override
    public native int bundlePack(long engine, long module, long manifest, long golden, long outDir, long err);
    @Override
    public native int bundleVerify(long out, long engine, long path, long options, long err);
    @Override
    public native int bundleVerifySource(long out, long engine, long source, long options, long err);
    @Override
    public native int callCreate(long out, long err);
    @Override
    public native void callFree(long call);
    @Override
    public native int callSetCancel(long call, long cancel, long err);
    @Override
    public native int callSetFallback(long call, int accept, long err);
    @Override
    public native int callSetOutput(long call, int index, long buffer, long capacity, long err);
    @Override
    public native int callSetPriority(long call, int priority, long err);
    @Override
    public native int callSetWait(long call, int wait, long err);
    @Override
    public native int cancelCreate(long out, long err);
    @Override
    public native void cancelFree(long cancel);
    @Override
    public native int cancelSet(long cancel, int set, long err);
    @Override
    public native int engineClose(long engine, long deadlineNs, long err);
    @Override
    public native int engineCreate(long out, long options, long err);
    @Override
    public native int engineDefaultDeadlineUs(long out, long engine, long err);
    @Override
    public native int engineEvents(long out, long stride, long capacity, long count, long dropped, long engine,
            long err);
    @Override
    public native void engineFree(long engine);
    @Override
    public native int engineMaintain(long engine, long err);
    @Override
    public native int engineMetrics(long out, long engine, long err);
    @Override
    public native int engineOptionsCreate(long out, long err);
    @Override
    public native int engineOptionsDescribe(long out, int index, long err);
    @Override
    public native void engineOptionsFree(long options);
    @Override
    public native int engineOptionsSet(long options, long name, long text, long err);
    @Override
    public native int engineSlots(long out, long stride, long capacity, long count, long engine, long err);
    @Override
    public native int engineSnapshot(long out, long engine, long err);
    @Override
    public native int engineWork(long out, long engine, long deadlineNs, long err);
    @Override
    public native long eventName(int event);
    @Override
    public native int loadOptionsCreate(long out, long err);
    @Override
    public native int loadOptionsDescribe(long out, int index, long err);
    @Override
    public native void loadOptionsFree(long options);
    @Override
    public native int loadOptionsSet(long options, long name, long text, long err);
    @Override
    public native int loadOptionsSetCancel(long options, long cancel, long err);
    @Override
    public native int loadOptionsSetDeadline(long options, long deadlineNs, long err);
    @Override
    public native int modelDescribe(long out, long model, long err);
    @Override
    public native void modelFree(long model);
    @Override
    public native int modelInfo(long out, long model, long err);
    @Override
    public native int modelLoad(long out, long engine, long path, long options, long err);
    @Override
    public native int modelLoadSource(long out, long engine, long source, long options, long err);
    @Override
    public native int modelSchema(long out, long model, long err);
    @Override
    public native int modelScore(long out, long model, long row, long deadlineNs, long call, long err);
    @Override
    public native int modelScoreBatch(long out, long model, long batch, long deadlineNs, long call, long err);
    @Override
    public native int modelSubmit(long queue, long tag, long model, long row, long deadlineNs, long call, long err);
    @Override
    public native int modelSubmitBatch(long out, long queue, long tag, long model, long batch, long deadlineNs,
            long call, long err);
    @Override
    public native long nowNs();
    @Override
    public native long precisionName(int precision);
    @Override
    public native int queueCancel(long queue, long tag, long err);
    @Override
    public native int queueClose(long queue, long deadlineNs, long err);
    @Override
    public native int queueCreate(long out, long engine, int capacity, long err);
    @Override
    public native void queueFree(long queue);
    @Override
    public native int queueNext(long out, long stride, long capacity, long count, long queue, long deadlineNs,
            long err);
    @Override
    public native long reasonName(int reason);
    @Override
    public native int rowGetJson(long out, long schema, long row, long err);
    @Override
    public native int rowInit(long schema, long row, long capacity, long err);
    @Override
    public native int rowSetJson(long schema, long row, long json, long size, long err);
    @Override
    public native int schemaBand(long out, long schema, int index, long err);
    @Override
    public native int schemaDefaultText(long out, long schema, int index, long err);
    @Override
    public native int schemaDescribe(long out, long schema, long err);
    @Override
    public native int schemaEncode(long out, long schema, long row, int index, long buffer, long capacity, long err);
    @Override
    public native int schemaFeature(long out, long schema, int index, long err);
    @Override
    public native int schemaFind(long out, long schema, long name, long err);
    @Override
    public native int schemaFindOutput(long out, long schema, long name, long err);
    @Override
    public native void schemaFree(long schema);
    @Override
    public native int schemaLoad(long out, long path, long err);
    @Override
    public native int schemaLoadSource(long out, long source, long err);
    @Override
    public native int schemaOutput(long out, long schema, int index, long err);
    @Override
    public native int schemaTensor(long out, long schema, int index, long err);
    @Override
    public native int slotDescribe(long out, long slot, long err);
    @Override
    public native int slotForgetPrevious(long slot, long err);
    @Override
    public native void slotFree(long slot);
    @Override
    public native int slotLoad(long slot, long path, long options, long err);
    @Override
    public native int slotLoadSource(long slot, long source, long options, long err);
    @Override
    public native int slotModel(long out, long slot, long err);
    @Override
    public native int slotOpen(long out, long engine, long name, int create, long err);
    @Override
    public native int slotRollback(long slot, long err);
    @Override
    public native int slotScore(long out, long slot, long row, long deadlineNs, long call, long err);
    @Override
    public native int slotScoreBatch(long out, long slot, long batch, long deadlineNs, long call, long err);
    @Override
    public native int slotSubmit(long queue, long tag, long slot, long row, long deadlineNs, long call, long err);
    @Override
    public native int slotSubmitBatch(long out, long queue, long tag, long slot, long batch, long deadlineNs, long call,
            long err);
    @Override
    public native int slotSwap(long slot, long model, long err);
    @Override
    public native int sourceAddFile(long source, long name, long data, long size, long err);
    @Override
    public native int sourceCreate(long out, long err);
    @Override
    public native void sourceFree(long source);
    @Override
    public native long statusName(int status);
    @Override
    public native int systemInfo(long out, long err);
    @Override
    public native long textData(long text);
    @Override
    public native void textFree(long text);
    @Override
    public native long textSize(long text);
    @Override
    public native long typeName(int type);
    @Override
    public native long version();
}
