%% The workloads of the benchmarks as Erlang processes. Reads lines: "keys", or a workload and how many times; writes
%% nanoseconds for one time. Every workload checks that what was sent was handled.
-module(troupe_bench).
-behaviour(gen_server).
-export([main/0]).
-export([init/1, handle_call/3, handle_cast/2]).

-define(BURST, 1000).
-define(RING, 503).
-define(SUBSCRIBERS, 100).
-define(BIG, 1000).
-define(FORK_JOIN_ACTORS, 60).
%% As the mailboxes of the others hold.
-define(FORK_JOIN_BURST, 500).
-define(CREATURES, 100).
-define(DICTIONARY_WORKERS, 20).
%% Every tenth request writes.
-define(WRITE_EVERY, 10).
-define(KEYS, 512).
-define(PRODUCERS, 40).
-define(CONSUMERS, 40).
-define(BUFFER, 50).

main() ->
    case io:get_line("") of
        eof ->
            halt();
        Line ->
            case string:lexemes(Line, " \n") of
                ["keys"] ->
                    io:format("tell pingPong ask publish spawn start threadRing forkJoinThroughput forkJoinCreate chameneos big "
                              "dictionary producerConsumer skynet lookup lookupMany idleBytes~n");
                [Key, Times] ->
                    %% Each in a process of its own, whose heap goes with it.
                    Self = self(),
                    spawn_link(fun() -> Self ! {ns, run(list_to_atom(Key), list_to_integer(Times))} end),
                    receive {ns, Ns} -> io:format("~.3f~n", [float(Ns)]) end
            end,
            main()
    end.

timed(Times, Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Work(),
    (erlang:monotonic_time(nanosecond) - Start) / Times.

repeat(0, _) -> ok;
repeat(N, Work) -> Work(), repeat(N - 1, Work).

counter(N) ->
    receive
        {add, By} -> counter(N + By);
        {get, From, Tag} -> From ! {Tag, N}, counter(N);
        stop -> ok
    end.

%% A counter as OTP has it.
init(N) -> {ok, N}.
handle_call(get, _, N) -> {reply, N, N}.
handle_cast({add, By}, N) -> {noreply, N + By}.

%% As gen_server:call does: with a monitor and a deadline.
ask(Pid) ->
    Tag = monitor(process, Pid),
    Pid ! {get, self(), Tag},
    receive
        {Tag, N} -> demonitor(Tag, [flush]), N;
        {'DOWN', Tag, _, _, Why} -> exit(Why)
    after 5000 -> exit(timeout)
    end.

run(tell, Times) ->
    Pid = spawn_link(fun() -> counter(0) end),
    Ns = timed(Times, fun() -> told(Pid, Times) end),
    Times = ask(Pid),
    Pid ! stop,
    Ns;
run(pingPong, Times) -> ring(2, Times);
run(threadRing, Times) -> ring(?RING, Times);
run(ask, Times) ->
    {ok, Pid} = gen_server:start_link(?MODULE, 0, []),
    Ns = timed(Times, fun() -> repeat(Times, fun() -> 0 = gen_server:call(Pid, get) end) end),
    gen_server:stop(Pid),
    Ns;
run(publish, Times) ->
    Pids = [spawn_link(fun() -> counter(0) end) || _ <- lists:seq(1, ?SUBSCRIBERS)],
    Ns = timed(Times, fun() -> published(Pids, Times) end),
    [Times = ask(Pid) || Pid <- Pids],
    [Pid ! stop || Pid <- Pids],
    Ns;
run(spawn, Times) ->
    {Ns, Pids} = made(Times, fun(_) -> ok end),
    [Pid ! stop || Pid <- Pids],
    Ns;
%% They run in the order in which they were made: when the last one answers, all have run.
run(start, Times) ->
    {Ns, Pids} = made(Times, fun([Last | _]) -> 0 = ask(Last) end),
    [Pid ! stop || Pid <- Pids],
    Ns;
run(forkJoinThroughput, Times) ->
    Pids = [spawn_link(fun() -> worker(0) end) || _ <- lists:seq(1, ?FORK_JOIN_ACTORS)],
    Rounds = ceil(Times / (?FORK_JOIN_ACTORS * ?FORK_JOIN_BURST)),
    Ns = timed(Rounds * ?FORK_JOIN_ACTORS * ?FORK_JOIN_BURST, fun() -> forked(Pids, 1, Rounds) end),
    [Pid ! stop || Pid <- Pids],
    Ns;
run(forkJoinCreate, Times) ->
    Self = self(),
    timed(Times, fun() ->
        repeat(Times, fun() -> spawn(fun() -> receive work -> _ = math:sin(37.2), Self ! done end end) ! work end),
        repeat(Times, fun() -> receive done -> ok end end)
    end);
run(big, _) ->
    Self = self(),
    Pids = [spawn_link(fun() -> peer(Self) end) || _ <- lists:seq(1, ?BIG)],
    timed(?BIG * (?BIG - 1), fun() ->
        [Pid ! {go, Pids} || Pid <- Pids],
        repeat(?BIG, fun() -> receive handled -> ok end end)
    end);
run(chameneos, Times) ->
    Self = self(),
    Mall = spawn_link(fun() -> mall(Times, none) end),
    Creatures = [spawn_link(fun() -> receive {go, To} -> creature(To, I rem 3, 0, Self) end end)
                 || I <- lists:seq(1, ?CREATURES)],
    Expected = Times * 2,
    Ns = timed(Times, fun() ->
        [Creature ! {go, Mall} || Creature <- Creatures],
        Expected = lists:sum([receive {met, Count} -> Count end || _ <- Creatures])
    end),
    Mall ! stop,
    Ns;
run(dictionary, Times) ->
    Self = self(),
    Requests = ceil(Times / ?DICTIONARY_WORKERS),
    Dictionary = spawn_link(fun() -> dictionary(#{}) end),
    Clients = [spawn_link(fun() -> receive go -> client(Dictionary, Requests), Self ! {handled, Requests} end end)
               || _ <- lists:seq(1, ?DICTIONARY_WORKERS)],
    Total = Requests * ?DICTIONARY_WORKERS,
    Ns = timed(Total, fun() ->
        [Client ! go || Client <- Clients],
        Total = lists:sum([receive {handled, Count} -> Count end || _ <- Clients])
    end),
    Dictionary ! stop,
    Ns;
run(producerConsumer, Times) ->
    Self = self(),
    Buffer = spawn_link(fun() -> buffer({Times, 0, []}, [], []) end),
    Producers = [spawn_link(fun() -> producer(Buffer) end) || _ <- lists:seq(1, ?PRODUCERS)],
    Consumers = [spawn_link(fun() -> Buffer ! {free, self()}, consumer(Buffer, Self) end)
                 || _ <- lists:seq(1, ?CONSUMERS)],
    Ns = timed(Times, fun() ->
        Buffer ! {'begin', Producers},
        repeat(Times, fun() -> receive consumed -> ok end end)
    end),
    [Pid ! stop || Pid <- [Buffer | Producers ++ Consumers]],
    Ns;
run(lookup, Times) -> looked_up(1000, Times);
run(lookupMany, Times) -> looked_up(100000, Times);
%% Bytes of each, rather than nanoseconds.
run(idleBytes, Count) ->
    Before = erlang:memory(processes),
    {_, Pids} = made(Count, fun([Last | _]) -> 0 = ask(Last) end),
    Bytes = (erlang:memory(processes) - Before) / Count,
    [Pid ! stop || Pid <- Pids],
    Bytes;
run(skynet, Times) ->
    Leaves = round(math:pow(10, floor(math:log10(Times)))),
    Actors = (Leaves * 10 - 1) div 9,
    Self = self(),
    timed(Actors, fun() ->
        spawn(fun() -> skynet(0, Leaves, Self) end),
        Expected = Leaves * (Leaves - 1) div 2,
        receive {sum, Expected} -> ok end
    end).

%% As often as in the other contenders, the last subscriber is asked, so that queues stay short.
published(_, 0) -> ok;
published(Pids, Left) ->
    [Pid ! {add, 1} || Pid <- Pids],
    if Left rem 50 =:= 1 -> ask(lists:last(Pids)); true -> ok end,
    published(Pids, Left - 1).

told(_, 0) -> ok;
told(Pid, Left) ->
    Burst = min(Left, ?BURST),
    repeat(Burst, fun() -> Pid ! {add, 1} end),
    ask(Pid),
    told(Pid, Left - Burst).

%% Nanoseconds for one, and who was made, the last one first.
made(Times, Settle) ->
    Start = erlang:monotonic_time(nanosecond),
    Pids = spawned(Times, []),
    Settle(Pids),
    Ns = (erlang:monotonic_time(nanosecond) - Start) / Times,
    Times = length(Pids),
    {Ns, Pids}.

spawned(0, Pids) -> Pids;
spawned(Left, Pids) -> spawned(Left - 1, [spawn(fun() -> counter(0) end) | Pids]).

worker(N) ->
    receive
        {work, X} -> _ = math:sin(X), worker(N + 1);
        {get, From, Tag} -> From ! {Tag, N}, worker(N);
        stop -> ok
    end.

forked(_, Round, Rounds) when Round > Rounds -> ok;
forked(Pids, Round, Rounds) ->
    [Pid ! {work, I} || I <- lists:seq(1, ?FORK_JOIN_BURST), Pid <- Pids],
    Handled = Round * ?FORK_JOIN_BURST,
    [Handled = ask(Pid) || Pid <- Pids],
    forked(Pids, Round + 1, Rounds).

ring(Size, Times) ->
    Self = self(),
    [First | _] = Nodes = [spawn_link(fun() -> node_of(Self) end) || _ <- lists:seq(1, Size)],
    [Node ! {next, Next} || {Node, Next} <- lists:zip(Nodes, tl(Nodes) ++ [First])],
    Ns = timed(Times, fun() -> First ! {token, Times - 1}, receive ended -> ok end end),
    [Node ! stop || Node <- Nodes],
    Ns.

node_of(Main) -> receive {next, Next} -> node_of(Main, Next) end.
node_of(Main, Next) ->
    receive
        {token, 0} -> Main ! ended, node_of(Main, Next);
        {token, Left} -> Next ! {token, Left - 1}, node_of(Main, Next);
        stop -> ok
    end.

peer(Main) ->
    receive {go, Pids} -> [Pid ! ping || Pid <- Pids, Pid =/= self()] end,
    repeat(?BIG - 1, fun() -> receive ping -> ok end end),
    Main ! handled.

skynet(First, 1, Parent) -> Parent ! {sum, First};
skynet(First, Size, Parent) ->
    Self = self(),
    Part = Size div 10,
    [spawn(fun() -> skynet(First + I * Part, Part, Self) end) || I <- lists:seq(0, 9)],
    Parent ! {sum, lists:sum([receive {sum, Sum} -> Sum end || _ <- lists:seq(1, 10)])}.

%% Each is told of the other, until so many have met; who comes later finds it closed.
mall(Left, Waiting) ->
    receive
        {visit, Who, _} when Left =:= 0 -> Who ! closed, mall(0, none);
        {visit, Who, Colour} ->
            case Waiting of
                none -> mall(Left, {Who, Colour});
                {Other, Others} -> Other ! {met, Colour}, Who ! {met, Others}, mall(Left - 1, none)
            end;
        stop -> ok
    end.

creature(Mall, Colour, Meetings, Main) ->
    Mall ! {visit, self(), Colour},
    receive
        {met, Colour} -> creature(Mall, Colour, Meetings + 1, Main);
        {met, Other} -> creature(Mall, 3 - Colour - Other, Meetings + 1, Main);
        closed -> Main ! {met, Meetings}
    end.

dictionary(Values) ->
    receive
        {read, From, Key} -> From ! {value, maps:get(Key, Values, 0)}, dictionary(Values);
        {write, From, Key, Value} -> From ! {value, Value}, dictionary(Values#{Key => Value});
        stop -> ok
    end.

client(_, 0) -> ok;
client(Dictionary, Left) ->
    Key = Left * 7919 rem ?KEYS,
    if
        Left rem ?WRITE_EVERY =:= 0 -> Dictionary ! {write, self(), Key, Left};
        true -> Dictionary ! {read, self(), Key}
    end,
    receive {value, _} -> client(Dictionary, Left - 1) end.

%% Items to be ordered, those ordered and not delivered, those here; idle producers and free consumers.
buffer(Stock, Idle, Free) ->
    receive
        {'begin', Producers} -> ordered(Stock, Producers, Free);
        {data, From, Item} ->
            {Left, Ordered, Items} = Stock,
            case Free of
                [] -> ordered({Left, Ordered - 1, [Item | Items]}, [From | Idle], []);
                [Consumer | Others] ->
                    Consumer ! {item, Item},
                    ordered({Left, Ordered - 1, Items}, [From | Idle], Others)
            end;
        {free, Consumer} ->
            case Stock of
                {_, _, []} -> ordered(Stock, Idle, [Consumer | Free]);
                {Left, Ordered, [Item | Items]} -> Consumer ! {item, Item}, ordered({Left, Ordered, Items}, Idle, Free)
            end;
        stop -> ok
    end.

ordered({Left, Ordered, Items}, [Producer | Idle], Free) when Left > 0, length(Items) + Ordered < ?BUFFER ->
    Producer ! {produce, Left},
    ordered({Left - 1, Ordered + 1, Items}, Idle, Free);
ordered(Stock, Idle, Free) -> buffer(Stock, Idle, Free).

producer(Buffer) ->
    receive
        {produce, Item} -> Buffer ! {data, self(), Item}, producer(Buffer);
        stop -> ok
    end.

consumer(Buffer, Main) ->
    receive
        {item, _} -> Main ! consumed, Buffer ! {free, self()}, consumer(Buffer, Main);
        stop -> ok
    end.

%% Names that do not change while a system runs are what persistent_term is for.
looked_up(Count, Times) ->
    Names = list_to_tuple([name(I) || I <- lists:seq(0, Count - 1)]),
    case persistent_term:get({bench, Count}, none) of
        none ->
            [persistent_term:put(element(I, Names), {pid, I}) || I <- lists:seq(1, Count)],
            persistent_term:put({bench, Count}, done);
        done -> ok
    end,
    %% A fixed permutation, as for the other contenders.
    Asked = [element(I * 48271 rem Count + 1, Names) || I <- lists:seq(0, min(Count, Times) - 1)],
    Rounds = ceil(Times / length(Asked)),
    timed(Rounds * length(Asked), fun() -> repeat(Rounds, fun() -> found(Asked) end) end).

found([]) -> ok;
found([Name | Names]) -> {pid, _} = persistent_term:get(Name), found(Names).

name(I) -> <<"bench/", (integer_to_binary(I))/binary>>.
