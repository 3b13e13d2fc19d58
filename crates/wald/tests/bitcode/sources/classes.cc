struct Base {
  virtual ~Base();
  virtual int value() const { return 1; }
};

template <class T> struct Derived : Base {
  inline static T shared = T(2);
  int value() const override { return shared; }
};

Base::~Base() = default;
thread_local Derived<long> per_thread;
template struct Derived<int>;
[[clang::no_destroy]] Derived<char> global;

inline int counted() {
  static int count;
  return ++count;
}

int use(const Base &base) { return base.value() + per_thread.value() + counted(); }
