using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace CloudState.Knative.UnitTests.Architecture;

/// <summary>A use of a type in one folder by a file in another folder of the same library.</summary>
/// <param name="File">The using file, relative to the library.</param>
/// <param name="From">The folder of that file.</param>
/// <param name="Type">The used type.</param>
/// <param name="To">The folder of the used type.</param>
internal sealed record Import(string File, string From, string Type, string To)
{
    public override string ToString() => $"{File} uses {To}/{Type}";
}

/// <summary>
/// The sources of one library, compiled in memory as its project compiles them, so that constants, attributes and <c>nameof</c> count as well as calls.
/// A folder of sources is a room of the house; messages generated from .proto files belong to the room that their namespace names.
/// </summary>
internal sealed class Library
{
    private static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private static readonly MetadataReference[] Platform =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))];

    private readonly string _root;
    private readonly CSharpCompilation _compilation;

    public Library(string name)
    {
        Name = name;
        _root = Path.Combine(Repository.Root, "src", name);
        Folders = [.. Directory.GetDirectories(_root).Select(folder => Path.GetFileName(folder)!).Where(folder => folder is not ("bin" or "obj" or "build")).Order()];
        var sources = Directory.EnumerateFiles(_root, "*.cs", SearchOption.AllDirectories).Where(IsCompiled);
        _compilation = CSharpCompilation.Create(
            name,
            sources.Select(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), new CSharpParseOptions(LanguageVersion.Latest), path)),
            Platform.Where(reference => Path.GetFileNameWithoutExtension(reference.Display) != name),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
    }

    public string Name { get; }

    public IReadOnlyList<string> Folders { get; }

    /// <summary>All uses of types across folders.</summary>
    public IReadOnlyList<Import> ReadImports() =>
        [.. _compilation.SyntaxTrees.AsParallel().Where(tree => FolderOf(tree.FilePath) is not null).SelectMany(ReadImports).Distinct().OrderBy(import => import.File, StringComparer.Ordinal)];

    private IEnumerable<Import> ReadImports(SyntaxTree tree)
    {
        var model = _compilation.GetSemanticModel(tree);
        var (file, from) = (Path.GetRelativePath(_root, tree.FilePath), FolderOf(tree.FilePath)!);
        foreach (var name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
        {
            if (TypeOf(model.GetSymbolInfo(name).Symbol) is { } type && FolderOf(type) is { } to && to != from)
            {
                yield return new Import(file, from, type.Name, to);
            }
        }
    }

    private static INamedTypeSymbol? TypeOf(ISymbol? symbol)
    {
        var type = symbol as INamedTypeSymbol ?? (symbol is IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol ? symbol.ContainingType : null);
        while (type?.ContainingType is { } outer)
        {
            type = outer;
        }

        return type?.OriginalDefinition;
    }

    private string? FolderOf(INamedTypeSymbol type)
    {
        if (type.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree.FilePath is not { } path)
        {
            return null;
        }

        return FolderOf(path) ?? Folders.FirstOrDefault(folder => type.ContainingNamespace.ToDisplayString() == $"{Name}.{folder}");
    }

    /// <summary>Null for files outside of folders, and generated ones.</summary>
    private string? FolderOf(string path) =>
        Path.GetRelativePath(_root, path).Split(Path.DirectorySeparatorChar) is [var folder, _, ..] && Folders.Contains(folder) ? folder : null;

    private bool IsCompiled(string path)
    {
        var parts = Path.GetRelativePath(_root, path).Split(Path.DirectorySeparatorChar);
        return parts[0] != "bin" && (parts[0] != "obj" || (parts[1] == Configuration && !path.EndsWith("AssemblyInfo.cs", StringComparison.Ordinal)));
    }
}
