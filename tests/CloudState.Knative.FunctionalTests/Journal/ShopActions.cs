using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.FunctionalTests.Journal;

[Action<Shipping.ShippingBase>]
public sealed class ShippingAction(ShopEvents events)
{
    public async Task<Empty> Ship(OrderPlaced placed, ActionContext context)
    {
        await events.ArriveAsync("Ship", context);
        return new Empty();
    }

    public async Task<Empty> Stop(OrderCancelled cancelled, ActionContext context)
    {
        await events.ArriveAsync("Stop", context);
        return new Empty();
    }
}

[Action<Audit.AuditBase>]
public sealed class AuditAction(ShopEvents events)
{
    public async Task<Empty> Note(Any any, ActionContext context)
    {
        await events.ArriveAsync($"Note {any.TypeUrl}", context);
        return new Empty();
    }
}

[Action<Latecomers.LatecomersBase>]
public sealed class LatecomersAction(ShopEvents events)
{
    public async Task<Empty> NoteLate(Any any, ActionContext context)
    {
        await events.ArriveAsync($"Late {any.TypeUrl.Split('.')[^1]}", context);
        return new Empty();
    }
}

[Action<Contemporaries.ContemporariesBase>]
public sealed class ContemporariesAction(ShopEvents events)
{
    public async Task<Empty> NoteRecent(Any any, ActionContext context)
    {
        await events.ArriveAsync($"Recent {any.TypeUrl.Split('.')[^1]}", context);
        return new Empty();
    }
}

[Action<BadStart.BadStartBase>]
public sealed class BadStartAction
{
    public Empty Take(OrderPlaced placed) => new();
}

[Action<BadLog.BadLogBase>]
public sealed class BadLogAction
{
    public Empty Take(PlaceOrder order) => new();
}

[Action<TwiceLog.TwiceLogBase>]
public sealed class TwiceLogAction
{
    public Empty First(OrderPlaced placed) => new();

    public Empty Second(OrderPlaced placed) => new();
}

[Action<StreamedLog.StreamedLogBase>]
public sealed class StreamedLogAction
{
    public async Task<Empty> Take(IAsyncEnumerable<OrderPlaced> placed)
    {
        await placed.CountAsync();
        return new Empty();
    }
}

[Action<Announcements.AnnouncementsBase>]
public sealed class AnnouncementsAction
{
    public OrderAnnounced Announce(OrderPlaced placed) => new() { Product = placed.Product };
}

[Action<PriceTags.PriceTagsBase>]
public sealed class PriceTagsAction(ShopEvents events)
{
    public async Task<Empty> Print(Price price, ActionContext context)
    {
        await events.ArriveAsync($"Print {price.Cents}", context);
        return new Empty();
    }

    public async Task<Empty> TakeDown(EntityDeleted deleted, ActionContext context)
    {
        await events.ArriveAsync("TakeDown", context);
        return new Empty();
    }
}

[Action<Loop.LoopBase>]
public sealed class LoopAction
{
    public OrderAnnounced Take(PlaceOrder order) => new();
}

[Action<Reminders.RemindersBase>(UsesTimers = true)]
public sealed class RemindersAction(ShopEvents events)
{
    public Empty Remind(RemindOrder command, ActionContext context)
    {
        if (command.Milliseconds < 0)
        {
            context.Timers.Cancel(command.Timer);
        }
        else
        {
            context.Timers.Schedule(
                command.Timer, TimeSpan.FromMilliseconds(command.Milliseconds), (Reminders.RemindersClient reminders) => reminders.RingAsync(new ExpireOrder { Order = command.Order, Timer = command.Timer }));
        }

        return new Empty();
    }

    public async Task<Empty> Ring(ExpireOrder command, ActionContext context)
    {
        await events.ArriveAsync($"Ring {command.Timer}", context, command.Order);
        return new Empty();
    }
}

[Action<Forgetful.ForgetfulBase>]
public sealed class ForgetfulAction
{
    public Empty Remind(RemindOrder command, ActionContext context)
    {
        context.Timers.Cancel(command.Timer);
        return new Empty();
    }
}

/// <summary>Answers the service of an entity.</summary>
[Action<Prices.PricesBase>]
public sealed class PricesAction
{
    public Price Set(SetPrice command) => new();

    public Empty Remove(RemovePrice command) => new();
}
