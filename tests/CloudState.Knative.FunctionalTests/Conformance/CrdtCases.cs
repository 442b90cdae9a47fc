namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The 88 cases of Cloudstate's conformance kit for CRDT entities.</summary>
internal static class CrdtCases
{

    public static readonly CrdtCase[] All =
    [
        new(1, "", "verify CRDT entity discovery") { Test = nameof(CrdtContract.Models_AreReplicatedEntities) },
        new(2, "", "verify CRDT configured entity") { Test = nameof(CrdtContract.Models_AreReplicatedEntities) },

        new(3, "GCounter", "initial empty state", "init; none → 0"),
        new(4, "GCounter", "state changes", "init; +42 → 42; +1, +2, +3 → 48"),
        new(5, "GCounter", "initial delta in init", "Δ +42; +123 → 165"),
        new(6, "GCounter", "initial empty state with replicated initial delta", "init; Δ +42; +123 → 165"),
        new(7, "GCounter", "mix of local and replicated state changes", "init; +1 → 1; Δ +2; Δ +3; none → 6; +4 → 10; Δ +5; +6 → 21"),
        new(8, "GCounter", "rehydration after passivation", "init; +1 → 1; Δ +2; none → 3; +3 → 6; restart; none → 6; Δ +4; +5 → 15"),
        new(9, "GCounter", "delete action received from entity", "init; +42 → 42; delete → 42; shows 0"),
        new(10, "GCounter", "delete action sent to entity", "init; Δ +42; Δ delete; shows 0"),

        new(11, "PNCounter", "initial empty state", "init; none → 0"),
        new(12, "PNCounter", "state changes", "init; +1, -2, +3 → 2; -4, +5, -6 → -3"),
        new(13, "PNCounter", "initial delta in init", "Δ +42; -123 → -81"),
        new(14, "PNCounter", "initial empty state with replicated initial delta", "init; Δ -42; +123 → 81"),
        new(15, "PNCounter", "mix of local and replicated state changes", "init; +1 → 1; Δ -2; Δ +3; none → 2; -4 → -2; Δ +5; -6 → -3"),
        new(16, "PNCounter", "rehydration after passivation", "init; +1 → 1; Δ -2; none → -1; +3 → 2; restart; none → 2; Δ -4; +5 → 3"),
        new(17, "PNCounter", "delete action received from entity", "init; +42 → 42; delete → 42; shows 0"),
        new(18, "PNCounter", "delete action sent to entity", "init; Δ +42; Δ delete; shows 0"),

        new(19, "GSet", "initial empty state", "init; none → {}"),
        new(20, "GSet", "state changes", "init; add a b → {a b}; add b c → {a b c}; add c a → {a b c}"),
        new(21, "GSet", "initial delta in init", "Δ add a b c; add c d e → {a b c d e}"),
        new(22, "GSet", "initial empty state with replicated initial delta", "init; Δ add x y; add z → {x y z}"),
        new(23, "GSet", "mix of local and replicated state changes",
            "init; add a → {a}; Δ add a; Δ add b; Δ add c; none → {a b c}; add c d e → {a b c d e}; Δ add f; add g d b → {a b c d e f g}"),
        new(24, "GSet", "rehydration after passivation",
            "init; add a → {a}; Δ add b; none → {a b}; add c → {a b c}; restart; none → {a b c}; Δ add d; add e → {a b c d e}"),
        new(25, "GSet", "delete action received from entity", "init; add x → {x}; delete → {x}; shows {}"),
        new(26, "GSet", "delete action sent to entity", "init; Δ add x; Δ delete; shows {}"),

        new(27, "ORSet", "initial empty state", "init; none → {}"),
        new(28, "ORSet", "state changes",
            "init; add a b → {a b}; add b c → {a b c}; add c a → {a b c}; remove b d → {a c}; remove c d, add b c → {a b c}; clear → {}; add a, clear, add x → {x}"),
        new(29, "ORSet", "initial delta in init", "Δ add a b c; remove c, add d → {a b d}"),
        new(30, "ORSet", "initial empty state with replicated initial delta", "init; Δ add x y; remove x, add z → {y z}"),
        new(31, "ORSet", "mix of local and replicated state changes",
            "init; add a → {a}; Δ add a b; Δ add c d; Δ remove b d; none → {a c}; add c d e → {a c d e}; Δ remove a c, add f; add g, remove a d → {e f g}; " +
            "Δ clear, add x y z; add q x, remove z → {q x y}; Δ remove x y, add r p; add s → {p q r s}; Δ add a b c; clear, add abc → {abc}"),
        new(32, "ORSet", "rehydration after passivation",
            "init; add a → {a}; Δ remove a, add b; none → {b}; add c → {b c}; restart; none → {b c}; Δ clear, add p q; add x y, remove x → {p q y}"),
        new(33, "ORSet", "delete action received from entity", "init; add x → {x}; delete → {x}; shows {}"),
        new(34, "ORSet", "delete action sent to entity", "init; Δ add x; Δ delete; shows {}"),

        new(35, "LWWRegister", "initial empty state", "init; none →"),
        new(36, "LWWRegister", "state changes", "init; set one → one; set two → two"),
        new(37, "LWWRegister", "initial delta in init", "Δ set one; none → one"),
        new(38, "LWWRegister", "initial empty state with replicated initial delta", "init; Δ set one; none → one"),
        new(39, "LWWRegister", "mix of local and replicated state changes", "init; set A → A; Δ set B; Δ set C; none → C; set D → D; Δ set D; set E → E"),
        new(40, "LWWRegister", "state changes with clock settings", "init; set A REVERSE → A; set A CUSTOM 123 → A; set A CUSTOM_AUTO_INCREMENT 456 → A"),
        new(41, "LWWRegister", "rehydration after passivation", "init; set A → A; Δ set B; none → B; set C → C; restart; none → C; Δ set D; set E → E"),
        new(42, "LWWRegister", "delete action received from entity", "init; set one → one; delete → one; shows"),
        new(43, "LWWRegister", "delete action sent to entity", "init; Δ set one; Δ delete; shows"),

        new(44, "Flag", "initial empty state", "init; none → false"),
        new(45, "Flag", "state changes", "init; enable → true"),
        new(46, "Flag", "initial delta in init", "Δ none; none → false; new; Δ enable; none → true"),
        new(47, "Flag", "initial empty state with replicated initial delta", "init; Δ none; none → false; new; init; Δ enable; none → true"),
        new(48, "Flag", "mix of local and replicated state changes",
            "init; Δ none; none → false; enable → true; Δ enable; Δ none; none → true; new; init; " +
            "Δ enable; none → true; enable → true; Δ enable; Δ none; none → true"),
        new(49, "Flag", "rehydration after passivation", "init; none → false; enable → true; restart; none → true"),
        new(50, "Flag", "delete action received from entity", "init; enable → true; delete → true; shows false"),
        new(51, "Flag", "delete action sent to entity", "init; Δ enable; Δ delete; shows false"),

        new(52, "ORMap", "initial empty state", "init; none → {}"),
        new(53, "ORMap", "state changes",
            "init; add PN1, add OS1 → {OS1: {}, PN1: 0}; add OS1, update LW1 set zero → {LW1: zero, OS1: {}, PN1: 0}; " +
            "update PN1 +42, update LW1 set one → {LW1: one, OS1: {}, PN1: 42}; update OS1 add a b c → {LW1: one, OS1: {a b c}, PN1: 42}; " +
            "update OS1 remove b, update OS1 add d, update PN1 -123, update LW1 set two → {LW1: two, OS1: {a c d}, PN1: -81}; " +
            "remove OS1 → {LW1: two, PN1: -81}; remove LW1, update FL1 enable → {FL1: true, PN1: -81}; clear → {}; " +
            "add PN2, clear, update GC1 +123 → {GC1: 123}"),
        new(54, "ORMap", "initial delta in init",
            "Δ update PN1 +123, update LW1 set one, update GS1 add a b c; none → {GS1: {a b c}, LW1: one, PN1: 123}; " +
            "remove LW1, update PN1 -42 → {GS1: {a b c}, PN1: 81}"),
        new(55, "ORMap", "initial empty state with replicated initial delta",
            "init; Δ update GC1 +42, update OS1 add a b c, add FL1; none → {FL1: false, GC1: 42, OS1: {a b c}}"),
        new(56, "ORMap", "mix of local and replicated state changes",
            "init; add PN1 → {PN1: 0}; Δ update OS1 add x; Δ update LW1 set one, update OS1 add y z; " +
            "add OS2, update LW2 set two → {LW1: one, LW2: two, OS1: {x y z}, OS2: {}, PN1: 0}; " +
            "update PN1 +42, update LW1 set ONE → {LW1: ONE, LW2: two, OS1: {x y z}, OS2: {}, PN1: 42}; " +
            "Δ remove LW2, update OM1 update PN1 +123; Δ remove OS1, update OS2 add a b c, update OM1 update LW1 set ABC; " +
            "update OM1 update PN1 -456 → {LW1: ONE, OM1: {LW1: ABC, PN1: -333}, OS2: {a b c}, PN1: 42}; " +
            "Δ clear, update GS1 add 1 2 3; remove PN1, remove LW1, update GS1 add 2 4 6 → {GS1: {1 2 3 4 6}}; " +
            "clear, add GC1 → {GC1: 0}; Δ remove GS1, update GC1 +42; update GC1 +7 → {GC1: 49}"),
        new(57, "ORMap", "rehydration after passivation",
            "init; Δ update PN1 +123; update PN1 +321 → {PN1: 444}; restart; none → {PN1: 444}; Δ update PN1 -42; update PN1 -360 → {PN1: 42}"),
        new(58, "ORMap", "delete action received from entity", "init; add FL1 → {FL1: false}; update FL1 enable, delete → {FL1: true}; shows {}"),
        new(59, "ORMap", "delete action sent to entity", "init; Δ add FL1; Δ delete; shows {}"),

        new(60, "Vote", "initial empty state", "init; none → f/0/n"),
        new(61, "Vote", "state changes", "init; yes → t/1/n; yes → t/1/n; no → f/0/n; no → f/0/n"),
        new(62, "Vote", "initial delta in init", "yes → t/1/n; Δ1 yes; passivate; none → t/2/n; no → f/1/n") { NeedsOthers = true },
        new(63, "Vote", "initial empty state with replicated initial delta", "init; Δ1 yes; Δ2 yes; none → f/2/n; yes → t/3/n") { NeedsOthers = true },
        new(64, "Vote", "mix of local and replicated state changes",
            "init; Δ1 yes; none → f/1/n; yes → t/2/n; Δ2 yes; Δ1 no; no → f/1/n") { NeedsOthers = true },
        new(65, "Vote", "rehydration after passivation", "init; none → f/0/n; Δ1 yes; yes → t/2/n; passivate; none → t/2/n; no → f/1/n") { NeedsOthers = true },
        new(66, "Vote", "delete action received from entity", "init; yes → t/1/n; delete → t/1/n; shows f/0/n"),
        new(67, "Vote", "delete action sent to entity", "init; Δ1 yes; Δ2 delete; shows f/0/n"),

        new(68, "GCounter", "verify forward to second service", "+42 → 42; forward X → forwarded; none → 42"),
        new(69, "PNCounter", "verify forward with state changes", "-42, forward X → forwarded; shows -42"),
        new(70, "GSet", "verify reply with side effect to second service", "add one → {one}; effect X → {one}; none → {one}"),
        new(71, "ORSet", "verify synchronous side effect to second service", "synchronous X → {}"),
        new(72, "LWWRegister", "verify forward and side effect to second service", "effect B, forward A → forwarded; shows"),
        new(73, "Flag", "verify reply with multiple side effects", "effect 1, effect 2, effect 3 → false"),
        new(74, "ORMap", "verify reply with multiple side effects and state changes",
            "add PN1, update GS1 add a b c, effect 1, effect 2, effect 3 → {GS1: {a b c}, PN1: 0}"),

        new(75, "GCounter", "verify failure action", "fail expected failure → ! expected failure; shows 0"),
        new(76, "PNCounter", "verify connection after failure action", "+42 → 42; +1, fail expected failure → ! expected failure; none → 42"),

        new(77, "GCounter", "verify streamed responses", "watch → 0; +1 → 1; M 1; +2 → 3; M 3; +3 → 6; M 6"),
        new(78, "GCounter", "verify streamed responses with stream ending action") { Test = nameof(CrdtStreamContract.Case78_HandlerEndsTheStream) },
        new(79, "PNCounter", "verify streamed responses with cancellation") { Test = nameof(CrdtStreamContract.Case79_CallerLeaves_AndTheHandlerOfTheEndChangesTheState) },
        new(80, "PNCounter", "verify empty streamed responses with cancellation") { Test = nameof(CrdtStreamContract.Case80_StreamWithoutReplies_IsHeardOfWhenItEnds) },
        new(81, "GSet", "verify streamed responses with side effects") { Test = nameof(CrdtStreamContract.Case81_EachMessageHasItsEffects) },

        new(82, "GCounter", "verify write consistency can be configured", "+1 LOCAL → 1; +2 MAJORITY → 3; +3 ALL → 6"),

        new(83, "PNCounter", "verify state changes", "none → 0; +1, -2, +3 → 2; +4, -5, +6 → 7; delete → 7; shows 0"),
        new(84, "GSet", "verify forwards and side effects") { Test = nameof(CrdtContract.ForwardsAndEffects_GoToAnEntityWithTheSameId) },
        new(85, "GCounter", "verify failures", "+42 → 42; fail expected failure → ! expected failure; delete → 42; shows 0"),
        new(86, "Vote", "verify streamed responses for connection tracking") { Test = nameof(CrdtStreamContract.Case86_ConnectionsAreTracked) },
        new(87, "PNCounter", "verify HTTP API") { Test = nameof(CrdtContract.HttpApi_IsThatOfTheKit) },
        new(88, "", "verify passivation timeout") { Test = nameof(CrdtContract.PassivationTimeout_IsThatOfItsType) },
    ];
}
