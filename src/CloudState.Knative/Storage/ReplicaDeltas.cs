using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>
/// Successive deltas of one replica as one run of bytes, because a row for each would cost more than what is in it: one after another, each with its length before it, as protobuf
/// writes the lengths of its fields.
/// </summary>
internal static class ReplicaDeltas
{
    public static byte[] Write(IReadOnlyList<ReplicaDelta> deltas)
    {
        var run = new byte[deltas.Sum(delta => CodedOutputStream.ComputeLengthSize(delta.Bytes.Length) + delta.Bytes.Length)];
        using var output = new CodedOutputStream(run);
        foreach (var delta in deltas)
        {
            output.WriteBytes(UnsafeByteOperations.UnsafeWrap(delta.Bytes));
        }

        output.CheckNoSpaceLeft();
        return run;
    }

    /// <summary>The deltas of several runs, in order.</summary>
    /// <exception cref="UnreadableEntityException">A run ends within a delta.</exception>
    public static List<byte[]> Read(IEnumerable<byte[]> runs)
    {
        var deltas = new List<byte[]>();
        foreach (var run in runs)
        {
            using var input = new CodedInputStream(run);
            try
            {
                while (!input.IsAtEnd)
                {
                    deltas.Add(input.ReadBytes().ToByteArray());
                }
            }
            catch (InvalidProtocolBufferException torn)
            {
                throw new UnreadableEntityException($"what replicas have added to it is damaged after {deltas.Count} deltas.", torn);
            }
        }

        return deltas;
    }
}
